"""What became of one commit of one service, told from the facts: the answer that CI waits for.

Pure. The sentence that is printed and the exit code come from one value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from windlass.cli.exits import Exit
from windlass.delivery.builds.decide import AGAIN_KINDS
from windlass.delivery.builds.types import ATTEMPTS_MAX

Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a wait ended."""

    code: Exit
    sentence: str


def outcome(facts: Iterable[Fact], commit: str) -> Outcome | None:
    """What became of a commit; None while that is open.

    Args:
        facts: the facts of the service and of its repository, as the API gives them, in the order of their numbers.
        commit: the commit, at least 8 characters of it.
    """
    release, found, seen, wanted = "", None, False, False
    for fact in facts:
        body, sentence = fact["body"], str(fact["sentence"])
        if _names(body, "commit", commit):
            seen = seen or fact["kind"] == "CommitSeen"
            wanted = wanted or fact["kind"] != "CommitSeen"
            if fact["kind"] in ("ReleaseMade", "AlreadyLive"):
                release, found = body["release"], None
        if judge := _OF_COMMIT.get(fact["kind"]):
            if _names(body, "commit", commit):
                found = judge(body, sentence)
        elif (judge := _OF_RELEASE.get(fact["kind"])) and release and body.get("release") == release:
            found = judge(body, sentence)
    if found is None and seen and not wanted:
        return Outcome(Exit.DONE, "this commit changes nothing of the service")
    return found


def refused(item: Mapping[str, Any], commit: str, newest: str) -> Outcome | None:
    """That the file of a commit is refused; an equal file of a later commit is refused without a fact of its own.

    Args:
        item: the service's status.
        commit: the commit, or empty for the newest.
        newest: the newest commit that was read.
    """
    words = "; ".join(item.get("refused", ()))
    is_meant = not commit or any(str(known or "").startswith(commit) for known in (newest, item.get("refused_commit")))
    return Outcome(Exit.USAGE, f"the file is refused: {words}") if words and is_meant else None


def held(item: Mapping[str, Any], commit: str) -> Outcome | None:
    """Why nothing more happens to a commit: its release is quarantined, was judged before, or the service is frozen."""
    candidate = item.get("candidate") or {}
    quarantined = {one["release"] for one in item.get("quarantine", ())}
    for build in item.get("builds", ()):
        if build["commit"].startswith(commit) and build["release"] in quarantined:
            return Outcome(
                Exit.REFUSED, f"its release is quarantined; `windlass retry {build['release'][:20]}` lifts that"
            )
    is_candidate = str(candidate.get("commit", "")).startswith(commit)
    if is_candidate and _stands(item):
        return _verdict(candidate, f"its release was judged before: {candidate['verdict_sentence']}")
    if item.get("frozen") and is_candidate and candidate.get("verdict") == "pass" and not item.get("rollout"):
        frozen = item["frozen"]
        return Outcome(Exit.REFUSED, f"the service is frozen by {frozen['who']}: {frozen['reason']}")
    return None


def _stands(item: Mapping[str, Any]) -> bool:
    """Whether the verdict of the candidate holds: nothing judges it again."""
    gates = next((one for one in item.get("stages", ()) if one["stage"] == "gates"), None)
    return str(item.get("state", "")).startswith("gate ") and gates is not None and gates["move"] == "none"


def _names(body: Mapping[str, Any], key: str, text: str) -> bool:
    return str(body.get(key, "")).startswith(text)


def _failed(body: Fact, sentence: str) -> Outcome | None:
    again = body.get("kind") in AGAIN_KINDS and int(body.get("attempt", 1)) < ATTEMPTS_MAX
    return None if again else Outcome(Exit.TOOL, sentence)


def _verdict(body: Fact, sentence: str) -> Outcome | None:
    codes = {"fail": Exit.GATE_FAILED, "unsure": Exit.INCONCLUSIVE}
    return Outcome(codes[body["verdict"]], sentence) if body["verdict"] in codes else None


def _broken(body: Fact, sentence: str) -> Outcome | None:
    return Outcome(Exit.TOOL, sentence) if int(body.get("attempt", 1)) >= ATTEMPTS_MAX else None


def _ended(body: Fact, sentence: str) -> Outcome | None:
    codes = {"promoted": Exit.DONE, "rolled_back": Exit.ROLLED_BACK, "aborted": Exit.ROLLED_BACK}
    return Outcome(codes.get(str(body["outcome"]), Exit.INCONCLUSIVE), sentence)


Judge = Callable[[Fact, str], Outcome | None]


def _always(code: Exit) -> Judge:
    return lambda body, sentence: Outcome(code, sentence)


def _open(body: Fact, sentence: str) -> Outcome | None:
    return None


_OF_COMMIT: dict[str, Judge] = {
    "ServiceRefused": _always(Exit.USAGE),
    "ServiceAbsent": _always(Exit.DONE),
    "CommitSkipped": _always(Exit.INCONCLUSIVE),
    "BuildStarted": _open,
    "BuildFailed": _failed,
    "BuildCancelled": _always(Exit.REFUSED),
    "AlreadyLive": _always(Exit.DONE),
}
_OF_RELEASE: dict[str, Judge] = {
    "VerdictGiven": _verdict,
    "GateBroken": _broken,
    "GateCancelled": _always(Exit.REFUSED),
    "OverrideMade": _open,
    "Retried": _open,
    "RolloutStarted": _open,
    "RolloutEnded": _ended,
    "ReleaseSuperseded": _always(Exit.INCONCLUSIVE),
}
