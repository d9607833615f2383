"""Problem documents (RFC 9457) and the branches of our error tree: a caller sees the error that was raised."""

from collections.abc import Mapping
from typing import Any

from windlass.kernel.errors import Bug, Refused, Unavailable, UserMistake, WindlassError

_REFUSED = {403, 409}
_WAIT = {429, 502, 503, 504}
_TITLES = {UserMistake: (422, "Not valid"), Refused: (403, "Refused"), Unavailable: (503, "Not available now")}


def error_of(status: int, document: Mapping[str, Any]) -> WindlassError:
    """The error that an answer of this status tells."""
    kind = str(document.get("type", "")).rpartition("/")[2]
    what = str(document.get("detail") or document.get("title") or f"the answer has status {status}")
    details = [str(one["detail"]) for one in document.get("errors", ()) if isinstance(one, dict) and "detail" in one]
    return _branch(status)(
        ": ".join([what, "; ".join(details)]) if details else what,
        code=kind or "http",
        where=str(document.get("where", "")),
        remedy=str(document.get("remedy", "")),
    )


def _branch(status: int) -> type[WindlassError]:
    if status in _REFUSED:
        return Refused
    if status in _WAIT:
        return Unavailable
    return UserMistake if 400 <= status < 500 else Bug


def problem_of(error: WindlassError) -> dict[str, Any]:
    """The error as a problem document: what `-o json` prints on stderr."""
    status, title = _TITLES.get(type(error), (500, "Windlass is broken here"))
    document = {"type": f"/problems/{error.code}", "title": title, "status": status, "detail": error.what}
    more = {"where": error.where, "remedy": error.remedy}
    return document | {name: value for name, value in more.items() if value}
