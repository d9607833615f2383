"""Service states as stories tell them: each is what a short list of facts leads to, never put together by hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from windlass.delivery.sources.types import ServiceSpec
from windlass.facts import types as kinds
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.instants import Instant, later
from windlass.kernel.records import to_json

BEGINNING = Instant(1_800_000_000_000)
SERVICE = "doctor-visits"
SHARES = (0.05, 0.25, 0.5, 1.0)


def release(name: str) -> Digest:
    """The digest of the release that a story calls `v1`, `v2`, …"""
    return digest_of(f"release {name}".encode())


def commit(name: str) -> str:
    """The commit that a story calls `v1`, `v2`, …"""
    return digest_of(f"commit {name}".encode())[7:47]


def build_key(name: str) -> Digest:
    """The build key of the commit that a story calls `v1`, `v2`, …"""
    return digest_of(f"build {name}".encode())


def tell(state: ServiceState, *bodies: Any, seconds: float = 1.0) -> ServiceState:
    """The state after more facts, one each second."""
    for number, body in enumerate(bodies):
        at = later(BEGINNING, seconds=(state.generation + number) * seconds)
        state = fold(state, Fact(state.service, at, body))
    return state


def wanted(name: str, spec: Mapping[str, object] | None = None, *, policy: str = "policy 1") -> kinds.ServiceWanted:
    """A commit's file was read."""
    filled = to_json(ServiceSpec(SERVICE, train="python train.py")) if spec is None else spec
    return kinds.ServiceWanted(
        "/repo", commit(name), name, "Ann <ann@example.org>", "", filled, policy, build_key(name)
    )


def made(name: str) -> kinds.ReleaseMade:
    """The build of a commit ended in its release."""
    return kinds.ReleaseMade(commit(name), build_key(name), release(name), 5.0, 1000, "skops")


def judged(name: str, verdict: str = "pass", champion: str = "", **more: Any) -> kinds.VerdictGiven:
    """The gate's verdict on a release against a champion (`v1`, …), empty for none."""
    against = release(champion) if champion else ""
    return kinds.VerdictGiven(
        release(name), commit(name), against, "", verdict, "roc_auc 0.75", policy="policy 1", **more
    )


def first_release(name: str = "v1") -> tuple[Any, ...]:
    """The facts of a first release, from its commit to all of the traffic."""
    return (
        wanted(name),
        kinds.BuildStarted(commit(name), build_key(name), f"build-{name}"),
        made(name),
        judged(name),
        kinds.RolloutStarted("r1", release(name), commit(name), "", (1.0,), "first"),
        kinds.StepTaken("r1", 0, "s1", 1.0, "first"),
        kinds.RolloutEnded("r1", release(name), "promoted", "first"),
    )


def live(name: str = "v1") -> ServiceState:
    """A service whose first release serves."""
    return tell(ServiceState(SERVICE), *first_release(name))


def waiting(verdict: str = "pass", **more: Any) -> ServiceState:
    """`v1` serves, and `v2` is built and judged."""
    return tell(live(), wanted("v2"), made("v2"), judged("v2", verdict, "v1", **more))


def moving(share_index: int = 0) -> ServiceState:
    """`v1` serves, and `v2` has the given step of its rollout."""
    state = tell(waiting(), kinds.RolloutStarted("r3", release("v2"), commit("v2"), release("v1"), SHARES, "gate pass"))
    steps: Iterable[int] = range(share_index + 1)
    return tell(state, *(kinds.StepTaken("r3", step, f"s{3 + step}", SHARES[step], "safe") for step in steps))


def promoted() -> ServiceState:
    """`v2` followed `v1`; `v1` is the way back."""
    return tell(moving(2), kinds.RolloutEnded("r3", release("v2"), "promoted", "shown safe"))
