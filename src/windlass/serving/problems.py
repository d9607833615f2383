"""What is answered when a request cannot be: refusals of the caller, and failures of the model.

Plain calls get RFC 9457 problems, Open Inference calls `{"error": ...}`, as their standard wants it.
"""

import msgspec

from windlass.kernel.errors import UserMistake

RETRY_AFTER_SECONDS = 1  # a prediction takes milliseconds, so a full queue is shorter a second later


class Rejected(UserMistake):
    """A request that is refused.

    Args:
        status: the HTTP status.
        code: stable kebab-case word.
        what: what is wrong, naming field, expected and given.
        where: the place in the request: column and row, or a JSON pointer.
        remedy: what to send instead.
    """

    def __init__(self, status: int, code: str, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, code=code, where=where, remedy=remedy)
        self.status = status


class ModelFailed(UserMistake):
    """The model raised, or answered what cannot be sent; the cause goes to the log, never to the caller."""

    status = 500

    def __init__(self, what: str, *, where: str = "") -> None:
        super().__init__(what, code="model-failed", where=where)


def v2_body(error: Rejected | ModelFailed, request_id: str) -> bytes:
    """The Open Inference error: one sentence, which names the request where the log says more."""
    words = str(error)
    return msgspec.json.encode({"error": f"{words} (request {request_id})" if error.status >= 500 else words})


def plain_body(error: Rejected | ModelFailed, request_id: str) -> bytes:
    """The RFC 9457 problem document."""
    problem: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": error.code.replace("-", " "),
        "status": error.status,
        "detail": str(error),
        "request_id": request_id,
    }
    if error.remedy:
        problem["remedy"] = error.remedy
    if error.where and error.status < 500:
        problem["errors"] = [{"where": error.where, "detail": error.what}]
    return msgspec.json.encode(problem)
