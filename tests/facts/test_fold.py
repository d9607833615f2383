"""What each fact means for its service, told as one service's life."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts.worlds import RELEASES, facts, histories
from windlass.facts import types as kinds
from windlass.facts.fold import RELEASES_REMEMBERED, fold, fold_all
from windlass.facts.ledger import Fact
from windlass.facts.state import (
    ActState,
    BuildState,
    FreezeState,
    QuarantineState,
    ServiceState,
    StepState,
)
from windlass.kernel.instants import NEVER, Instant
from windlass.kernel.records import from_json, to_json

V1, V2, V3 = RELEASES
SPEC: Mapping[str, object] = {"service": "visits"}
NOW = Instant(1_000)


def after(*bodies: object, state: ServiceState | None = None) -> ServiceState:
    """The state that these facts lead to, one second apart."""
    state = state or ServiceState("visits")
    for count, body in enumerate(bodies):
        state = fold(state, Fact("visits", Instant(NOW + count), body))
    return state


def wanted(commit: str = "c1", key: str = "k1") -> kinds.ServiceWanted:
    """A commit that wants the service."""
    return kinds.ServiceWanted("/repo", commit, f"subject of {commit}", "Ann", "api", SPEC, "policy", key)


def made(release: str, commit: str = "c1", key: str = "k1") -> kinds.ReleaseMade:
    """A build that ended."""
    return kinds.ReleaseMade(commit, key, release, 2.0, 100, "onnx")


def verdict(release: str, *checks: Mapping[str, object], champion: str = "", says: str = "pass") -> kinds.VerdictGiven:
    """A judgement."""
    return kinds.VerdictGiven(release, "c1", champion, "", says, "because", checks, "policy", scores="blake3:5")


def promoted(release: str) -> tuple[object, ...]:
    """A whole rollout of one release."""
    started = kinds.RolloutStarted("r", release, "c1", "", (0.5, 1.0), "passed")
    return started, kinds.StepTaken("r", 0, "s1", 0.5, "go"), kinds.RolloutEnded("r", release, "promoted", "safe")


def test_the_newest_readable_commit_is_wanted() -> None:
    """A bad file is remembered beside the last good one, and a good one takes its place and undoes an absence."""
    state = after(wanted(), kinds.ServiceRefused("/repo", "c2", ("line 1: no",)), kinds.ServiceAbsent("c3"))
    assert state.wanted is not None
    assert (state.wanted.commit, state.refused, state.refused_commit) == ("c1", ("line 1: no",), "c2")
    assert state.absent_since == "c3"
    again = after(wanted("c4"), state=state)
    assert again.wanted is not None
    assert (again.wanted.commit, again.wanted.subject) == ("c4", "subject of c4")
    assert (again.refused, again.refused_commit, again.absent_since) == ((), "", "")


def test_a_build_runs_fails_and_is_made() -> None:
    """One build key has one state, that of its newest attempt."""
    started, failed = kinds.BuildStarted("c1", "k1", "job-1"), kinds.BuildFailed("c1", "k1", "user", "exit 1", "/log")
    running = BuildState("k1", "c1", "running", "job-1", 1, NOW)
    assert after(started).builds == {"k1": running}
    broken = after(started, failed)
    assert broken.builds == {
        "k1": BuildState("k1", "c1", "failed", "job-1", 1, Instant(NOW + 1), "exit 1", "user", "/log")
    }
    assert after(failed).builds["k1"].job == ""
    state = after(wanted(), replace(started, attempt=2), made(V1))
    assert state.builds == {"k1": BuildState("k1", "c1", "made", "job-1", 2, Instant(NOW + 2), release=V1)}
    assert (state.releases[V1].subject, state.releases[V1].made_at) == ("subject of c1", Instant(NOW + 2))
    assert after(made(V1)).builds["k1"].attempt == 1


def test_content_made_again_is_the_same_release() -> None:
    """A second commit with equal content keeps verdict and fate of what is live, and only then its fate; what is known
    of its making is what the newest build knows."""
    state = after(made(V1), verdict(V1), *promoted(V1), made(V1, "c2", "k2"))
    record = state.releases[V1]
    assert (record.commit, record.build_key, record.verdict, record.fate) == ("c2", "k2", "pass", "promoted")
    back = after(made(V2), kinds.ReleaseSuperseded(V2, V1), made(V2, "c2", "k2"))
    assert back.releases[V2].fate == ""
    learned = {"data": {"train": {"digest": "blake3:7"}}}
    relearned = after(replace(made(V1, "c3", "k3"), provenance=learned), made(V1, "c4", "k4"), state=state)
    assert learned == relearned.releases[V1].provenance
    live = after(kinds.AlreadyLive("c9", V1), state=state)
    assert live.releases[V1].commit == "c9"
    assert {build.commit for build in live.builds.values()} == {"c9"}


def test_a_gate_judges_or_breaks() -> None:
    """A running gate is known by its job; a verdict or a break ends it; a broken gate gives no verdict."""
    order = kinds.GateStarted(V1, V2, "gate-1", {"limit": 5})
    judging = after(made(V1), order).releases[V1]
    assert (judging.gate_job, judging.gate_champion, judging.gate_request) == ("gate-1", V2, {"limit": 5})
    broken = after(made(V1), order, kinds.GateBroken(V1, "no holdout", 2)).releases[V1]
    assert (broken.gate_job, broken.gate_request, broken.verdict) == ("", {}, "")
    assert (broken.gate_attempt, broken.gate_words) == (2, "no holdout")
    state = after(made(V1), order, kinds.GateBroken(V1, "x", 2), verdict(V1, {"line": "roc_auc"}, champion=V2))
    judged = state.releases[V1]
    assert (judged.verdict, judged.verdict_champion, judged.verdict_sentence) == ("pass", V2, "because")
    assert (judged.verdict_checks, judged.verdict_policy, judged.scores) == (
        ({"line": "roc_auc"},),
        "policy",
        "blake3:5",
    )
    assert (judged.gate_job, judged.gate_attempt, judged.gate_words) == ("", 0, "")
    assert state.ledger == "blake3:5"
    kept = after(replace(verdict(V1), scores="", refusal="missing"), state=state)
    assert (kept.ledger, kept.releases[V1].verdict_refusal) == ("blake3:5", "missing")


def test_what_is_said_of_an_unknown_release_is_only_counted() -> None:
    """Facts about a release that was forgotten change nothing but the number of facts."""
    for body in (verdict(V1), kinds.GateStarted(V1, "", "j"), kinds.OverrideMade(V1, "fail", "ann", "x")):
        state = after(body)
        assert replace(state, generation=0, ledger="") == ServiceState("visits")
        assert state.generation == 1


def test_a_rollout_takes_steps_and_ends() -> None:
    """Each step gets a number that is never used again, the end of a rollout too."""
    started = kinds.RolloutStarted("r1", V1, "c1", V2, (0.05, 1.0), "passed")
    state = after(made(V1), started)
    assert state.rollout is not None
    assert (state.rollout.step, state.rollout.share, state.rollout.shares) == (-1, 0.0, (0.05, 1.0))
    steps = kinds.StepTaken("r1", 0, "s1", 0.05, "go", edges=(900,)), kinds.StepTaken("r1", 1, "s2", 1.0, "safe")
    moved = after(*steps, kinds.StepTaken("r7", 5, "s9", 1.0, "of another"), state=state)
    assert moved.rollout is not None
    assert moved.rollout.steps_taken == (StepState("s1", 0.05, (900,)), StepState("s2", 1.0))
    assert (moved.rollout.step, moved.rollout.step_id, moved.rollout.share) == (1, "s2", 1.0)
    assert (moved.rollout.step_began, moved.steps_count) == (Instant(NOW + 1), 2)
    ended = after(kinds.RolloutEnded("r1", V1, "rolled_back", "harm shown"), state=moved)
    assert (ended.rollout, ended.steps_count, ended.live) == (None, 3, "")
    assert (ended.releases[V1].fate, ended.releases[V1].fate_because) == ("rolled_back", "harm shown")


def test_a_promoted_release_is_live() -> None:
    """The one before is the way back, and promoting the live one again keeps it."""
    state = after(made(V1), *promoted(V1), made(V2), *promoted(V2))
    assert (state.live, state.previous, state.live_since) == (V2, V1, Instant(NOW + 7))
    again = after(*promoted(V2), state=state)
    assert (again.live, again.previous) == (V2, V1)


def test_the_best_moves_only_when_beaten() -> None:
    """A release becomes the best ever when its verdict showed it better than the best."""
    state = after(made(V1), *promoted(V1))
    assert state.best == V1
    better, equal = {"relative_to": "best", "better": True}, {"relative_to": "best", "better": False}
    than_champion = {"relative_to": "champion", "better": True}
    for check, champion, expected in (
        (better, "", V2),
        (equal, "", V1),
        (than_champion, V1, V2),
        (than_champion, V3, V1),
    ):
        judged = after(made(V2), verdict(V2, check, champion=champion), *promoted(V2), state=state)
        assert (judged.best, judged.live) == (expected, V2)
    unknown = after(*promoted(V3), state=state)
    assert unknown.best == V3


def test_a_quarantine_lasts_until_a_person_lifts_it() -> None:
    """It names content and build key; lifting it clears the fate as well."""
    quarantined = kinds.Quarantined(V1, "k1", "harm shown")
    state = after(made(V1), kinds.ReleaseSuperseded(V1, V2), quarantined)
    assert state.quarantine == {V1: QuarantineState(V1, "k1", "harm shown", "windlass", Instant(NOW + 2))}
    assert state.releases[V1].fate_because == "superseded by bbbbbbbbbbbb"
    lifted = after(kinds.QuarantineLifted(V1, "ann", "fixed"), state=state)
    assert (lifted.quarantine, lifted.releases[V1].fate, lifted.releases[V1].fate_because) == ({}, "", "")


def test_acts_wait_until_they_end() -> None:
    """Acts are kept in the order in which they were asked."""
    asked = [kinds.ActAsked(f"a{number}", "pause", "ann", "look", {"now": True}) for number in range(2)]
    state = after(*asked)
    assert state.acts[0] == ActState("a0", "pause", "ann", "look", {"now": True}, NOW)
    assert [act.act for act in after(kinds.ActEnded("a0", "pause", "done", "ok"), state=state).acts] == ["a1"]


def test_people_freeze_pause_and_override() -> None:
    """A freeze holds the service, a pause its rollout; both end, and an override is remembered."""
    frozen = after(kinds.Frozen("ann", "holiday", Instant(9)))
    assert frozen.freeze == FreezeState("ann", "holiday", Instant(9), NOW)
    assert after(kinds.Thawed("ann", "back"), state=frozen).freeze is None
    nothing = after(kinds.Paused("r", "ann", "x"), kinds.Resumed("r", "ann", "x"))
    assert nothing.rollout is None
    paused = after(made(V1), promoted(V1)[0], kinds.Paused("r", "ann", "look"))
    assert paused.rollout is not None
    assert (paused.rollout.paused_by, paused.rollout.paused_reason) == ("ann", "look")
    resumed = after(kinds.Resumed("r", "ann", "fine"), kinds.OverrideMade(V1, "fail", "ann", "urgent"), state=paused)
    assert resumed.rollout is not None
    assert (resumed.rollout.paused_by, resumed.releases[V1].overridden) == ("", True)


def test_a_retry_forgets_what_failed() -> None:
    """A failed build may run again and a verdict is asked again; what was made stays."""
    failed = after(kinds.BuildFailed("c1", "k1", "user", "exit 1"), kinds.Retried("", "k1", "ann", "again"))
    assert failed.builds == {}
    state = after(made(V1), verdict(V1, says="unsure"), kinds.Retried(V1, "k1", "ann", "more labels"))
    assert list(state.builds) == ["k1"]
    assert (state.releases[V1].verdict, state.releases[V1].verdict_policy) == ("", "")


def test_a_retired_service_waits_for_no_job() -> None:
    """The build and the judgement that run for it are nobody's any more, so they are ended; what was made stays."""
    state = after(
        made(V1, key="k1"),
        kinds.GateStarted(V1, "", "gate-1", {"release": V1}),
        kinds.BuildStarted("c2", "k2", "build-2"),
        kinds.Retired("ann", "replaced"),
    )
    assert (["k1"], "", {}) == (list(state.builds), state.releases[V1].gate_job, dict(state.releases[V1].gate_request))


def test_a_fresh_environment_is_wanted_until_a_release_is_made() -> None:
    """It forgets what was made too, outlives attempts that fail, and concerns its own build key alone."""
    state = after(made(V1, key="k1"), kinds.Retried("", "k1", "ann", "new wheels", fresh_env=True))
    assert ({}, "k1", [V1]) == (dict(state.builds), state.fresh_env, list(state.releases))
    failed = after(kinds.BuildFailed("c1", "k1", "network", "no route"), state=state)
    assert "k1" == after(kinds.Retried("", "k1", "ann", "again"), state=failed).fresh_env
    assert "k1" == after(made(V2, key="k2"), state=state).fresh_env
    assert "" == after(made(V1, key="k1"), state=state).fresh_env


def test_a_retired_service_serves_nothing() -> None:
    """Its facts stay, a later commit brings it back, and what a site did alone is adopted once."""
    state = after(made(V1), *promoted(V1), kinds.ServiceAbsent("c2"), kinds.Retired("ann", "replaced"))
    assert (state.retired, state.live, state.rollout, state.absent_since) == (True, "", None, "")
    assert V1 in state.releases
    assert not after(wanted(), state=state).retired
    acted = after(kinds.SiteActed("edge", 4, "rollback", V1, V2, "bob", "errors"), state=state)
    assert acted.journal_seen == {"edge": 4}


def test_what_is_forgotten_is_gone_with_its_build() -> None:
    """An equal commit builds again, since the files are gone; everything else stays."""
    state = after(made(V1, key="k1"), made(V2, key="k2"), kinds.ReleasesForgotten((V1, V3), "ann"))
    assert ([V2], ["k2"]) == (list(state.releases), list(state.builds))


def test_old_releases_are_forgotten() -> None:
    """The newest fifty stay with their builds, and those that traffic may need, however old."""
    state = after(made(V1, key="live"), *promoted(V1))
    for number in range(RELEASES_REMEMBERED + 5):
        fact = made(f"blake3:{number}", f"c{number}", f"k{number}")
        state = fold(state, Fact("visits", Instant(10_000 + number), fact))
    expected = {V1, *(f"blake3:{number}" for number in range(5, RELEASES_REMEMBERED + 5))}
    assert state.releases.keys() == expected
    assert {build.release for build in state.builds.values()} == expected


def test_a_rollout_keeps_its_releases() -> None:
    """While a rollout is under way its release and its champion stay, however many come meanwhile."""
    rolling = kinds.RolloutStarted("r", V2, "c1", V1, (0.5, 1.0), "passed")
    state = after(made(V1), made(V2), rolling)
    for number in range(RELEASES_REMEMBERED + 5):
        fact = made(f"blake3:{number}", f"c{number}", f"k{number}")
        state = fold(state, Fact("visits", Instant(10_000 + number), fact))
    assert {V1, V2} <= state.releases.keys()
    assert len(state.releases) == RELEASES_REMEMBERED + 2


@settings(max_examples=50)
@given(history=histories())
def test_any_facts_fold(history: list[Fact]) -> None:
    """No order of facts is an error, each is counted, and folding again gives the same."""
    state = fold_all("visits", history)
    assert state == fold_all("visits", history)
    assert state.generation == len(history)
    assert NEVER <= state.live_since


@settings(max_examples=50)
@given(history=histories(), cut=st.integers(0, 30))
def test_a_stored_state_goes_on_as_if_never_stored(history: list[Fact], cut: int) -> None:
    """Folding half, storing the state as JSON, and folding the rest gives what folding all gives."""
    half = fold_all("visits", history[:cut])
    state = from_json(ServiceState, to_json(half))
    assert state == half
    for fact in history[cut:]:
        state = fold(state, fact)
    assert state == fold_all("visits", history)


@settings(max_examples=20)
@given(history=histories(size=10), other=facts("other"))
def test_facts_of_others_mean_nothing_here(history: list[Fact], other: Fact) -> None:
    """A service's state follows from its own facts alone."""
    assert fold_all("visits", [*history, other]) == fold_all("visits", history)
