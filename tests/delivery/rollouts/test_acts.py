"""What a person's act means at each moment."""

from dataclasses import replace
from typing import Any

import pytest

from windlass.delivery.gates.types import check_json
from windlass.delivery.gates.zero import start_check
from windlass.delivery.rollouts.acts import answer, named_release, way_back
from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.kernel.digests import short
from windlass.testing.stories import (
    BEGINNING,
    SERVICE,
    commit,
    judged,
    live,
    made,
    moving,
    promoted,
    release,
    tell,
    waiting,
    wanted,
)

V1, V2, V3 = release("v1"), release("v2"), release("v3")
NAMED = f'release {short(V2)} of commit {short(commit("v2"))} "v2"'


def act(verb: str, **arguments: object) -> ActState:
    """An act of ann's."""
    return ActState("a-1", verb, "ann", "because", arguments, BEGINNING)


def after(verb: str, state: ServiceState, candidate: str = "", **arguments: object) -> tuple[ServiceState, str, str]:
    """The state after an act, its outcome and its words."""
    facts = answer(act(verb, **arguments), state, lambda _: candidate)
    ended = facts[-1]
    assert isinstance(ended, kinds.ActEnded)
    assert ("a-1", verb) == (ended.act, ended.verb)
    return tell(state, *facts), ended.outcome, ended.words


@pytest.mark.parametrize(
    ("verb", "state", "words"),
    [
        ("promote", live(), "no release waits for traffic"),
        ("abort", live(), "no rollout, build or gate is under way"),
        ("pause", live(), "no rollout is under way"),
        ("resume", live(), "nothing is paused or frozen"),
        ("rollback", ServiceState(SERVICE), "no release serves: there is nothing to go back from"),
        ("rollback", live(), "there is no earlier release to go back to"),
        ("retry", live(), "nothing failed and nothing is quarantined"),
        ("dance", live(), "there is no act called dance"),
    ],
)
def test_an_act_that_is_not_possible_says_why(verb: str, state: ServiceState, words: str) -> None:
    """A refused act changes nothing and tells the reason."""
    facts = answer(act(verb), state, lambda _: "")
    assert (kinds.ActEnded("a-1", verb, "refused", words),) == facts


def test_promote_takes_the_next_step() -> None:
    """`promote` during a rollout moves it one step on, at the word of a person."""
    state, outcome, words = after("promote", moving())
    assert ("done", f"release {short(V2)} gets 25% of the traffic") == (outcome, words)
    assert state.rollout is not None
    assert (1, 0.25) == (state.rollout.step, state.rollout.share)
    assert state.rollout.step_id == f"s{state.steps_count}"


@pytest.mark.parametrize("state", [moving(2), moving(0)], ids=["last step", "full"])
def test_promote_in_full_ends_the_rollout(state: ServiceState) -> None:
    """`promote --full`, or `promote` at the last step, gives the release all of the traffic."""
    after_it, outcome, _ = after("promote", state, full=True)
    assert ("done", V2, V1, None) == (outcome, after_it.live, after_it.previous, after_it.rollout)


@pytest.mark.parametrize("verdict", ["fail", "unsure"])
def test_promote_needs_a_passed_gate_or_an_override(verdict: str) -> None:
    """A gate that did not pass refuses the promotion; an override is a fact of its own."""
    state = waiting(verdict)
    _, outcome, words = after("promote", state, V2)
    assert "refused" == outcome
    assert "--override" in words
    overridden, outcome, _ = after("promote", state, V2, override=True)
    assert ("done", True) == (outcome, overridden.releases[V2].overridden)


def test_a_release_without_a_verdict_is_not_promoted() -> None:
    """An override is about a verdict: before gate zero has run there is none."""
    _, outcome, words = after("promote", waiting(""), V2, override=True, full=True, now=True)
    assert ("refused", True) == (outcome, "gate zero is never skipped" in words)


def test_gate_zero_is_never_overridden() -> None:
    """A release that does not load is not promoted by anybody: the check is the one that the gate itself gives."""
    state = waiting("fail", checks=(check_json(start_check("no module named sklearn")),))
    _, outcome, words = after("promote", state, V2, override=True)
    assert "refused" == outcome
    assert "gate zero failed" in words


def test_a_hot_fix_replaces_the_running_canary() -> None:
    """`promote RELEASE --full --now` ends the rollout that runs and skips the steps."""
    state = tell(moving(), wanted("v3"), made("v3"), judged("v3", champion="v1"))
    _, refused, words = after("promote", state, V3, release=short(V3))
    assert ("refused", "another rollout is under way; `--full --now` replaces it") == (refused, words)
    fixed, outcome, _ = after("promote", state, V3, release=short(V3), full=True, now=True)
    assert ("done", V3, None, "replaced") == (outcome, fixed.live, fixed.rollout, fixed.releases[V2].fate)
    direct, outcome, _ = after("promote", waiting(), V2, full=True, now=True)
    assert ("done", V2) == (outcome, direct.live)


def test_a_candidate_needs_no_word_to_start() -> None:
    """`promote` without a rollout leaves the start to the loop."""
    state, outcome, words = after("promote", waiting(), V2)
    assert ("done", f"release {short(V2)} may start its rollout", None) == (outcome, words, state.rollout)


@pytest.mark.parametrize(
    ("state", "arguments", "words"),
    [
        (moving(), {"release": short(V1)}, f"release {short(V1)} is live already"),
        (moving(), {"release": "feedbeef"}, "no release is called feedbeef"),
        (
            tell(moving(), kinds.Frozen("bob", "audit")),
            {},
            "the service is frozen by bob: audit; `windlass resume` first",
        ),
        (tell(waiting(), kinds.Quarantined(V2, "", "slow")), {"release": short(V2)}, "is quarantined: slow"),
    ],
)
def test_promote_is_refused(state: ServiceState, arguments: dict[str, Any], words: str) -> None:
    """Live, unknown, frozen and quarantined releases are not promoted."""
    _, outcome, said = after("promote", state, V2, **arguments)
    assert "refused" == outcome
    assert words in said


def test_abort_quarantines_without_a_freeze() -> None:
    """`abort` ends the rollout and keeps its release away; the next commit may go on."""
    state, outcome, _ = after("abort", moving())
    assert ("done", None, None) == (outcome, state.rollout, state.freeze)
    assert {V2} == set(state.quarantine)
    assert ("aborted", "aborted by ann: because") == (state.releases[V2].fate, state.releases[V2].fate_because)


def test_pause_and_resume() -> None:
    """A paused rollout stays where it is until somebody resumes it."""
    paused, _, words = after("pause", moving(1))
    assert paused.rollout is not None
    assert ("ann", "the rollout stays at 25%") == (paused.rollout.paused_by, words)
    resumed, _, _ = after("resume", paused)
    assert resumed.rollout is not None
    assert "" == resumed.rollout.paused_by


def test_rollback_of_a_rollout_quarantines_and_freezes() -> None:
    """A person's rollback stops everything: the canary is at 0, quarantined, and nothing moves until `resume`."""
    state, _, _ = after("rollback", moving())
    assert (V1, None, {V2}) == (state.live, state.rollout, set(state.quarantine))
    assert state.freeze is not None
    assert ("rolled_back", "ann") == (state.releases[V2].fate, state.freeze.who)


def test_rollback_of_the_live_release_returns_to_the_previous_one() -> None:
    """Without a rollout the live release is left for the previous one, at once."""
    state, outcome, _ = after("rollback", promoted())
    assert ("done", V1, {V2}) == (outcome, state.live, set(state.quarantine))
    assert state.freeze is not None and state.rollout is None
    assert f"ann went back to it from release {short(V2)}: because" == state.releases[V1].fate_because


def test_rollback_to_a_named_release() -> None:
    """`rollback --to` goes to any release that is not quarantined, and ends a rollout on the way."""
    state = tell(
        promoted(),
        wanted("v3"),
        made("v3"),
        judged("v3", champion="v2"),
        kinds.RolloutStarted("r7", V3, commit("v3"), V2, (0.05, 1.0), "gate pass"),
        kinds.StepTaken("r7", 0, "s7", 0.05, "gate pass"),
    )
    back, outcome, _ = after("rollback", state, to=short(V1))
    assert ("done", V1, {V2, V3}) == (outcome, back.live, set(back.quarantine))
    assert "rolled_back" == back.releases[V3].fate
    assert back.rollout is None
    assert "is being rolled out" in after("rollback", state, to=short(V3))[2]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("feedbeef", "no release is called feedbeef"),
        (short(V2), f"release {short(V2)} is live already"),
        (short(V3), f"release {short(V3)} is quarantined; `windlass retry {short(V3)}` lifts that"),
    ],
)
def test_rollback_to_what_cannot_be(to: str, words: str) -> None:
    """Unknown, live and quarantined releases are no way back."""
    state = tell(promoted(), made("v3"), kinds.Quarantined(V3, "", "slow"))
    _, outcome, said = after("rollback", state, to=to)
    assert ("refused", words) == (outcome, said)


def test_a_rollback_is_no_way_around_the_gate() -> None:
    """A release that was never live is a way back only if it passed its gate, or a person let it pass."""
    state = tell(promoted(), made("v3"))
    words = f"release {short(V3)} was never live and its gate did not pass"
    failed, passed = (tell(state, judged("v3", verdict, champion="v2")) for verdict in ("fail", "pass"))
    overridden = tell(failed, kinds.OverrideMade(V3, "fail", "ann", "it is urgent"))
    answers = [after("rollback", one, to=short(V3))[1:] for one in (state, failed, overridden, passed)]
    assert ["refused", "refused", "done", "done"] == [outcome for outcome, _ in answers]
    assert words == answers[0][1].split(";")[0]


def test_the_way_back_is_never_quarantined() -> None:
    """The way back is the previous release, else the best, else an earlier one that served; never a quarantined one."""
    state = promoted()
    assert V1 == way_back(state)
    assert "" == way_back(tell(state, kinds.Quarantined(V1, "", "old")))
    assert "" == way_back(live())
    third = tell(
        state,
        wanted("v3"),
        made("v3"),
        judged("v3", champion="v2"),
        kinds.RolloutStarted("r7", V3, commit("v3"), V2, (1.0,), "x"),
        kinds.RolloutEnded("r7", V3, "promoted", "x"),
        kinds.Quarantined(V2, "", "old"),
    )
    assert V1 == way_back(third)


def test_retry_lifts_a_quarantine() -> None:
    """Only `retry RELEASE` brings quarantined content back."""
    state, _, _ = after("abort", moving())
    _, outcome, words = after("retry", state)
    assert ("refused", f"name the release whose quarantine is to be lifted: {short(V2)}") == (outcome, words)
    lifted, outcome, words = after("retry", state, V2, release=short(V2))
    assert f"{NAMED} is judged again now, and rolled out if its gate passes" == words
    assert ("done", {}, "") == (outcome, dict(lifted.quarantine), lifted.releases[V2].fate)


def test_retry_of_a_release_that_is_not_quarantined_lifts_nothing() -> None:
    """A release that only failed its gate is judged again by its name."""
    state, outcome, words = after("retry", waiting("fail"), V2, release=short(V2))
    assert ("done", f"{NAMED} is judged again now, and rolled out if its gate passes") == (outcome, words)
    assert ("", {}) == (state.releases[V2].verdict, dict(state.quarantine))
    facts = answer(act("retry", release=short(V2)), waiting("fail"), lambda _: "")
    assert [kinds.Retried, kinds.ActEnded] == [type(fact) for fact in facts]


def test_retry_builds_again() -> None:
    """A failed build of the wanted commit is forgotten, so that it starts again."""
    failed = kinds.BuildFailed(commit("v2"), wanted("v2").build_key, "user", "exit 1")
    state = tell(live(), wanted("v2"), kinds.BuildStarted(commit("v2"), wanted("v2").build_key, "b"), failed)
    again, outcome, words = after("retry", state)
    assert ("done", f"commit {short(commit('v2'))} builds again") == (outcome, words)
    assert wanted("v2").build_key not in again.builds


def test_retry_of_what_is_about_to_be_built_changes_nothing() -> None:
    """A commit whose build is due or runs already gets the data of now, so there is nothing to forget."""
    due = tell(live(), wanted("v2"))
    running = tell(due, kinds.BuildStarted(commit("v2"), wanted("v2").build_key, "b"))
    for state in (due, running):
        (ended,) = answer(act("retry"), state, lambda _: "")
        assert isinstance(ended, kinds.ActEnded)
        assert ("done", f"commit {short(commit('v2'))} is built with the data of now") == (ended.outcome, ended.words)


def building(name: str = "v2") -> ServiceState:
    """`v1` serves, and a commit is being built."""
    begun = kinds.BuildStarted(commit(name), wanted(name).build_key, "b")
    return tell(live(), wanted(name), begun)


def test_abort_cancels_a_build() -> None:
    """Without a rollout `abort` ends the build that runs, says who and why, and `retry` builds again."""
    state, outcome, words = after("abort", building())
    key = wanted("v2").build_key
    said = f"the build of commit {short(commit('v2'))} is cancelled; `windlass retry` starts again"
    assert ("done", said) == (outcome, words)
    build = state.builds[key]
    assert ("failed", "cancelled", "cancelled by ann: because") == (build.state, build.kind, build.words)
    assert ("ann", commit("v2"), {}) == (build.cancelled_by, build.commit, build.request)
    assert {} == state.quarantine
    state, outcome, words = after("retry", state)
    assert ("done", f"commit {short(commit('v2'))} builds again") == (outcome, words)
    assert key not in state.builds


def test_a_cancelled_build_is_cancelled_for_all_its_commits() -> None:
    """A newer commit that waits for the same build shares its end; a newer one with another build comes next."""
    same = replace(wanted("v2"), commit=commit("v3"))
    state, _, _ = after("abort", tell(building(), same))
    assert commit("v3") == state.builds[wanted("v2").build_key].commit
    asked = answer(act("abort"), tell(building(), same), lambda _: "")
    assert [commit("v2"), commit("v3")] == [one.commit for one in asked[:-1]]
    _, outcome, words = after("abort", tell(building(), wanted("v3")))
    said = f"the build of commit {short(commit('v2'))} is cancelled; commit {short(commit('v3'))}, the newest, is next"
    assert ("done", said) == (outcome, words)


def test_abort_cancels_a_gate() -> None:
    """Without a rollout `abort` ends the judgement that runs, and `retry` judges again; whatever ended it before."""
    judging = tell(waiting("pass"), kinds.GateStarted(V2, V1, "g", {"release": V2}))
    state, outcome, words = after("abort", judging)
    said = f"the gate of release {short(V2)} is cancelled; `windlass retry` starts again"
    assert ("done", said) == (outcome, words)
    record = state.releases[V2]
    assert ("", {}, "ann") == (record.gate_job, record.gate_request, record.gate_cancelled_by)
    assert "cancelled by ann: because" == record.gate_words
    state, outcome, words = after("retry", state, V2)
    assert ("done", f"release {short(V2)} is judged again") == (outcome, words)
    assert ("", "") == (state.releases[V2].gate_words, state.releases[V2].gate_cancelled_by)


def test_abort_build_leaves_the_rollout() -> None:
    """While a rollout runs `abort` ends the rollout, and `abort --build` the build and the gate beside it."""
    both = tell(
        moving(),
        wanted("v3"),
        kinds.BuildStarted(commit("v3"), wanted("v3").build_key, "b"),
        kinds.GateStarted(V2, V1, "g"),
    )
    state, _, _ = after("abort", both)
    assert (None, "running") == (state.rollout, state.builds[wanted("v3").build_key].state)
    state, outcome, words = after("abort", both, build=True)
    said = f"the build of commit {short(commit('v3'))} is cancelled and the gate of release {short(V2)} is cancelled"
    assert ("done", f"{said}; `windlass retry` starts again") == (outcome, words)
    assert (both.rollout, "failed", "") == (
        state.rollout,
        state.builds[wanted("v3").build_key].state,
        state.releases[V2].gate_job,
    )
    _, outcome, words = after("abort", moving(), build=True)
    assert ("refused", "no build or gate is under way") == (outcome, words)


def test_retry_in_a_fresh_environment() -> None:
    """`retry --fresh-env` builds even what was built, once; what runs or is quarantined is left alone."""
    key = wanted("v2").build_key
    state, outcome, words = after("retry", waiting("pass"), V2, fresh_env=True)
    assert ("done", f"commit {short(commit('v2'))} builds again in a fresh environment") == (outcome, words)
    assert (False, key, "pass") == (key in state.builds, state.fresh_env, state.releases[V2].verdict)
    running = tell(live(), wanted("v2"), kinds.BuildStarted(commit("v2"), key, "b"))
    _, outcome, words = after("retry", running, fresh_env=True)
    assert ("refused", "a build of this commit runs; `--fresh-env` works once it has ended") == (outcome, words)
    _, outcome, words = after("retry", after("abort", moving())[0], fresh_env=True)
    assert ("refused", "this build is quarantined; `windlass retry RELEASE` lifts that first") == (outcome, words)
    _, outcome, words = after("retry", ServiceState(SERVICE), fresh_env=True)
    assert ("refused", "no commit wants this service, so there is nothing to build") == (outcome, words)


@pytest.mark.parametrize("verdict", ["unsure", "fail"])
def test_retry_judges_again(verdict: str) -> None:
    """A verdict that held the candidate up is asked for again."""
    state, outcome, _ = after("retry", waiting(verdict), V2)
    assert ("done", "") == (outcome, state.releases[V2].verdict)


def test_retire_takes_the_service_down() -> None:
    """A retired service has no live release and no rollout."""
    state, outcome, _ = after("retire", moving())
    assert ("done", True, "", None) == (outcome, state.retired, state.live, state.rollout)
    assert "aborted" == state.releases[V2].fate
    assert after("retire", live())[0].retired


def test_names_of_releases() -> None:
    """A release is named by eight or more characters of its digest or of its commit, with or without its noun."""
    state = promoted()
    assert V1 == named_release(state, V1[7:15])
    assert V1 == named_release(state, V1)
    assert V2 == named_release(state, f"releases/{short(V2)}")
    assert V2 == named_release(state, commit("v2")[:8])
    assert "" == named_release(state, V1[7:14])
    assert "" == named_release(state, "00000000")
