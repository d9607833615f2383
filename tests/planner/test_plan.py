"""One pass over one service: each stage's answer becomes the next one's input."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from windlass.facts import types as kinds
from windlass.facts.counts import ReplicaSeen, SiteReport, StepCounts, Tally
from windlass.facts.fold import fold
from windlass.facts.observed import JobSeen, SiteSeen
from windlass.facts.state import ServiceState
from windlass.kernel.instants import Instant, later
from windlass.maths.edges import bucket_of
from windlass.planner.plan import plan
from windlass.planner.types import ServicePlan, Snapshot
from windlass.testing.stories import (
    BEGINNING,
    SERVICE,
    build_key,
    commit,
    first_release,
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

V1, V2 = release("v1"), release("v2")
NOW = later(BEGINNING, seconds=1000)


def calls(count: int, **more: int) -> Tally:
    """So many requests of about 20 ms."""
    return Tally(count, latency={bucket_of(20_000): count - count // 10, bucket_of(40_000): count // 10}, **more)


def report(*counts: StepCounts, **more: Any) -> SiteSeen:
    """A fresh report of the site."""
    return SiteSeen(SiteReport("local", 7, 1, NOW, counts, **more), NOW)


def counted(step: str, name: str, tally: Tally) -> StepCounts:
    """What one release counted in one step, all of it settled."""
    return StepCounts(SERVICE, step, release(name), tally, tally)


def look(state: ServiceState, *sites: SiteSeen, **more: Any) -> ServicePlan:
    """The plan for a state."""
    return plan(Snapshot(NOW, state, sites=sites or (report(),), plan_generation=7, **more))


def bodies(made_plan: ServicePlan) -> list[Any]:
    """The facts that a plan wants to store."""
    return [fact.body for fact in made_plan.facts]


def shares(made_plan: ServicePlan) -> dict[str, int]:
    """The weights of a plan's slice."""
    return {route.release: route.weight for route in made_plan.slice.routes} if made_plan.slice else {}


def said(made_plan: ServicePlan, stage: str) -> str:
    """What one stage said."""
    return next(one.because for one in made_plan.reports if one.stage == stage)


def done(job: str, kind: str, **result: object) -> JobSeen:
    """A job that has ended well."""
    return JobSeen(job, kind, SERVICE, "done", NOW, result=result)


def test_a_commit_starts_a_build_with_all_that_it_needs() -> None:
    """A wanted commit without a result orders a build; its request can start it again after any crash."""
    (started,) = bodies(look(tell(ServiceState(SERVICE), wanted("v1"))))
    assert isinstance(started, kinds.BuildStarted)
    assert (commit("v1"), build_key("v1"), 1) == (started.commit, started.build_key, started.attempt)
    spec: Any = started.request["spec"]
    assert ("/repo", "python train.py") == (started.request["repository"], spec["train"])


def test_the_end_of_a_build_becomes_a_release_that_is_judged_at_once() -> None:
    """One pass turns a finished build into a release and orders its gate."""
    state = tell(ServiceState(SERVICE), wanted("v1"), kinds.BuildStarted(commit("v1"), build_key("v1"), "b"))
    job = done("b", "build", release=V1, size_bytes=10, format="skops", seconds=2.5, signature={"inputs": []})
    made_it, gate = bodies(look(state, jobs=(job,)))
    assert (V1, 2.5, {"inputs": []}) == (made_it.release, made_it.seconds, made_it.signature)
    assert (V1, "", V1) == (gate.release, gate.champion, gate.request["release"])


@pytest.mark.parametrize("trouble", ["", "network"])
def test_a_failed_build_says_whose_fault_it_is(trouble: str) -> None:
    """A build without a result is a fact with its trouble and its log; without a word it crashed."""
    state = tell(ServiceState(SERVICE), wanted("v1"), kinds.BuildStarted(commit("v1"), build_key("v1"), "b"))
    job = JobSeen("b", "build", SERVICE, "failed", NOW, trouble=trouble, log="/log")
    (failed,) = bodies(look(state, jobs=(job,)))
    assert (trouble or "crash", "it ended without a result", "/log") == (failed.kind, failed.words, failed.log)


def test_a_second_attempt_is_counted() -> None:
    """After a fault of the network the same commit builds again, as attempt 2."""
    failed = kinds.BuildFailed(commit("v1"), build_key("v1"), "network", "no route")
    (started,) = bodies(look(tell(ServiceState(SERVICE), wanted("v1"), failed)))
    assert 2 == started.attempt


def test_an_equal_build_key_is_not_built_twice() -> None:
    """A commit whose key was built before takes the release of that build."""
    again = replace(wanted("v1"), commit=commit("again"))
    state = tell(ServiceState(SERVICE), *first_release()[:3], again)
    made_it, gate = bodies(look(state))
    assert (commit("again"), V1, 0.0) == (made_it.commit, made_it.release, made_it.seconds)
    assert isinstance(gate, kinds.GateStarted)


def test_a_commit_that_leads_to_what_is_live_starts_nothing() -> None:
    """Equal content is 'already live', built or not: one fact says so, no gate, no rollout, and then silence."""
    state = tell(live(), replace(wanted("v1"), commit=commit("comment only")))
    first = look(state)
    assert [kinds.AlreadyLive(commit("comment only"), V1)] == bodies(first)
    assert [] == bodies(look(first.state))
    built = tell(live(), wanted("v2"), kinds.BuildStarted(commit("v2"), build_key("v2"), "b"))
    job = done("b", "build", release=V1, size_bytes=10, format="skops", seconds=2.5)
    assert kinds.AlreadyLive(commit("v2"), V1) == bodies(look(built, jobs=(job,)))[-1]


def test_a_verdict_becomes_a_fact_and_a_pass_starts_the_canary() -> None:
    """A pass and the first step are stored in the same pass, with the weights that follow."""
    state = tell(waiting(""), kinds.GateStarted(V2, V1, "g"))
    result = {"commit": commit("v2"), "champion": V1, "best": V1, "verdict": "pass", "sentence": "good", "checks": []}
    verdict, started, step = bodies(look(state, jobs=(done("g", "gate", **result),)))
    assert ("pass", "g", V2) == (verdict.verdict, verdict.job, verdict.release)
    assert (V2, V1, (0.05, 0.25, 0.5, 1.0)) == (started.release, started.champion, started.shares)
    assert (0, 0.05) == (step.step, step.share)


def test_a_broken_gate_is_no_verdict() -> None:
    """A gate that crashed is a fact without a verdict, and nothing moves."""
    state = tell(waiting(""), kinds.GateStarted(V2, V1, "g"))
    job = JobSeen("g", "gate", SERVICE, "failed", NOW, words="the holdout is gone")
    made_plan = look(state, jobs=(job,))
    assert [kinds.GateBroken(V2, "the holdout is gone", 1)] == bodies(made_plan)
    assert {V1: 10_000} == shares(made_plan)


@pytest.mark.parametrize("verdict", ["fail", "unsure"])
def test_only_a_pass_moves_traffic(verdict: str) -> None:
    """A failed or unsure gate leaves all of the traffic where it is."""
    made_plan = look(waiting(verdict))
    assert ([], {V1: 10_000}) == (bodies(made_plan), shares(made_plan))


def test_a_verdict_against_an_older_champion_is_asked_again() -> None:
    """When the champion changed since the verdict, the gate judges again before traffic moves."""
    state = tell(promoted(), wanted("v3"), made("v3"), judged("v3", champion="v1"))
    (gate,) = bodies(look(state))
    assert (release("v3"), V2) == (gate.release, gate.champion)


def test_an_override_does_not_outlive_its_verdict() -> None:
    """What a person overrode was one verdict against one champion; another of either needs a new word."""
    overridden = tell(waiting("unsure"), kinds.OverrideMade(V2, "unsure", "ann", "known"))
    assert ["RolloutStarted", "StepTaken"] == [fact.kind for fact in look(overridden).facts]
    again = tell(overridden, judged("v2", "fail", "v1"))
    assert [] == bodies(look(again))
    later_champion = tell(promoted(), wanted("v3"), made("v3"), judged("v3", "unsure", "v1"))
    stale = tell(later_champion, kinds.OverrideMade(release("v3"), "unsure", "ann", "known"))
    assert ["GateStarted"] == [fact.kind for fact in look(stale).facts]


def test_a_new_policy_is_judged_at_once() -> None:
    """A looser or stricter gate is in force without a rebuild: the candidate is judged again."""
    state = tell(waiting("fail"), replace(wanted("v2"), policy="policy 2"))
    (gate,) = bodies(look(state))
    assert "policy 2" == gate.request["policy"]


def test_steps_carry_the_edges_of_the_champion() -> None:
    """A step chooses its latency edges from what the champion counted before it."""
    step = bodies(look(waiting(), report(counted("s2", "v1", calls(1000)))))[-1]
    assert 6 == len(step.edges)
    assert () == bodies(look(waiting(), report(counted("s2", "v1", calls(100)))))[-1].edges


def evidence(canary: Tally, control: Tally, step: str = "s3") -> SiteSeen:
    """A report with both arms of a step."""
    return report(counted(step, "v2", canary), counted(step, "v1", control))


def test_edges_that_come_later_start_the_step_again() -> None:
    """A canary that began without traffic measures again once the champion has answered enough."""
    (step,) = bodies(look(moving(), evidence(calls(10), calls(190 + 10))))
    assert (0, 0.05, 6) == (step.step, step.share, len(step.edges))


def with_edges() -> ServiceState:
    """A rollout whose step knows its edges."""
    step = bodies(look(waiting(), report(counted("s2", "v1", calls(1000)))))
    return tell(waiting(), *step)


def test_a_safe_canary_advances() -> None:
    """600 clean requests take the next step, with the evidence in the fact."""
    made_plan = look(with_edges(), evidence(calls(600), calls(11_400)))
    (step,) = bodies(made_plan)
    assert (1, 0.25, "shown safe after 600 canary requests") == (step.step, step.share, step.because)
    assert step.evidence
    assert {V1: 7_500, V2: 2_500} == shares(made_plan)


def test_a_harmful_canary_goes_back_and_is_quarantined() -> None:
    """Harm sets the share to 0, ends the rollout and keeps content and build key away, in one commit."""
    made_plan = look(with_edges(), evidence(calls(600, failed=40), calls(11_400)))
    ended, quarantined = bodies(made_plan)
    assert ("rolled_back", V2, 600) == (ended.outcome, ended.release, ended.counts["canary_requests"])
    assert (V2, build_key("v2")) == (quarantined.release, quarantined.build_key)
    assert ({V1: 10_000}, (V2,)) == (shares(made_plan), made_plan.slice.banned if made_plan.slice else ())
    assert [] == bodies(look(made_plan.state))


def test_a_quarantined_build_key_is_not_built_again() -> None:
    """The same content under another commit stays away until a person lifts the quarantine."""
    back = look(with_edges(), evidence(calls(600, failed=40), calls(11_400))).state
    again = tell(back, replace(wanted("v2"), commit=commit("v2 again")))
    assert [] == bodies(look(again))
    assert "quarantined" in said(look(again), "builds")


def test_the_last_step_promotes() -> None:
    """After the last share below the whole the release is the champion, and the old one the way back."""
    made_plan = look(moving(2), evidence(calls(600), calls(600), "s5"))
    state = made_plan.state
    if state.rollout is not None:  # the first look chooses the edges
        seen = report(*(counted(f"s{state.steps_count}", name, calls(2_000)) for name in ("v1", "v2")))
        made_plan = plan(Snapshot(later(NOW, seconds=20), state, sites=(replace(seen, at=later(NOW, seconds=20)),)))
    assert (V2, V1, None) == (made_plan.state.live, made_plan.state.previous, made_plan.state.rollout)
    assert {V2: 10_000} == shares(made_plan)
    assert made_plan.slice is not None
    assert V1 == made_plan.slice.way_back


def test_old_counts_never_advance() -> None:
    """Counts older than 15 s hold, whatever they say."""
    seen = replace(evidence(calls(600), calls(11_400)), at=later(NOW, seconds=-16))
    assert [] == bodies(look(with_edges(), seen))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"unready": (SERVICE,)}, "its replicas are not ready yet"),
        ({"stuck": {SERVICE: "the gateway refused it"}}, "its replicas are not ready yet: the gateway refused it"),
        ({"gap": True}, "lines are missing from the gateway's log, so the counts are no evidence"),
        (
            {"replicas": (ReplicaSeen(SERVICE, V2, "r", "failed", 3, "no module"),), "unready": (SERVICE,)},
            "its replica died 3 times before it was ready: no module",
        ),
    ],
)
def test_what_the_site_says_counts(more: dict[str, Any], words: str) -> None:
    """Unready, stuck, incomplete and dying sites hold or end a rollout, and say so."""
    seen = SiteSeen(replace(evidence(calls(600), calls(11_400)).report, **more), NOW)
    assert words == said(look(with_edges(), seen), "rollouts")


def test_an_older_plan_at_the_site_is_not_ready() -> None:
    """A site that has not confirmed the plan's generation gives no evidence for the step."""
    seen = evidence(calls(600), calls(11_400))
    old = replace(seen, report=replace(seen.report, generation=6))
    assert [] == bodies(look(with_edges(), old))


def test_without_a_site_nothing_advances() -> None:
    """No report is no evidence."""
    made_plan = plan(Snapshot(NOW, with_edges()))
    assert [] == bodies(made_plan)
    assert "no site has reported yet" in said(made_plan, "rollouts")


def test_a_newer_release_waits_or_replaces() -> None:
    """While a rollout runs, a newer release is judged; it replaces the rollout only where the file says so."""
    newer = tell(with_edges(), wanted("v3"), made("v3"))
    assert isinstance(bodies(look(newer, evidence(calls(10), calls(190))))[0], kinds.GateStarted)
    passed = tell(newer, judged("v3", champion="v1"))
    assert [] == bodies(look(passed, evidence(calls(10), calls(190))))
    spec = {**dict(wanted("v3").spec), "rollout": {"newer": "replace"}}
    replaced = tell(with_edges(), wanted("v3", spec), made("v3"), judged("v3", champion="v1"))
    ended, *_ = bodies(look(replaced, evidence(calls(10), calls(190))))
    assert ("replaced", V2) == (ended.outcome, ended.release)
    follow = look(look(replaced, evidence(calls(10), calls(190))).state)
    assert ["RolloutStarted", "StepTaken"] == [fact.kind for fact in follow.facts]


def test_a_newer_start_closes_the_older_ones() -> None:
    """When the newest passed release starts, older ones that waited are superseded."""
    state = tell(waiting("fail"), wanted("v3"), made("v3"), judged("v3", champion="v1"))
    superseded, started, _ = bodies(look(state))
    assert (V2, release("v3")) == (superseded.release, superseded.newer)
    assert release("v3") == started.release


def test_acts_come_before_the_stages() -> None:
    """A person's abort in the same pass wins over an advance that the evidence would allow."""
    state = tell(with_edges(), kinds.ActAsked("a-1", "abort", "ann", "no"))
    made_plan = look(state, evidence(calls(600), calls(11_400)))
    assert ["RolloutEnded", "Quarantined", "ActEnded"] == [fact.kind for fact in made_plan.facts]
    assert ({V1: 10_000}, ()) == (shares(made_plan), made_plan.state.acts)


def test_a_freeze_ends_by_itself() -> None:
    """A freeze with an end is lifted by the pass after it."""
    state = tell(waiting(), kinds.Frozen("ann", "audit", Instant(NOW - 1)))
    thawed, *rest = bodies(look(state))
    assert kinds.Thawed("windlass", "the freeze has ended") == thawed
    assert rest
    held = look(tell(waiting(), kinds.Frozen("ann", "audit", Instant(NOW + 1))))
    assert ([], Instant(NOW + 1)) == (bodies(held), held.until)


def test_a_freeze_window_holds() -> None:
    """Inside a window of the file no rollout starts; the hold ends with the window."""
    spec = {**dict(wanted("v2").spec), "freeze": [{"line": "always", "begin_minute": 0, "end_minute": 7 * 1440 - 1}]}
    state = tell(waiting(), wanted("v2", spec))
    made_plan = look(state)
    assert [] == bodies(made_plan)
    assert "frozen by the window always" == said(made_plan, "rollouts")
    assert [] == [one.until for one in made_plan.reports if "resume" in one.until]


def test_builds_are_held_while_the_disk_is_full() -> None:
    """Without room no build starts, and what serves goes on."""
    made_plan = look(tell(live(), wanted("v2")), builds_held="only 3% of the disk is free")
    assert ([], {V1: 10_000}) == (bodies(made_plan), shares(made_plan))
    assert "only 3% of the disk is free" == said(made_plan, "builds")


def test_a_retired_service_has_no_slice() -> None:
    """After `retire` the sites are told nothing of the service, until a new commit wants it."""
    state = tell(live(), kinds.Retired("ann", "old"))
    assert (None, []) == (look(state).slice, bodies(look(state)))
    back = look(tell(state, wanted("v9")))
    assert isinstance(bodies(back)[0], kinds.BuildStarted)


def test_an_absent_service_keeps_serving() -> None:
    """A service that is gone from Git serves on."""
    made_plan = look(tell(live(), kinds.ServiceAbsent(commit("v2"))))
    assert {V1: 10_000} == shares(made_plan)


def test_planning_twice_changes_nothing() -> None:
    """The same snapshot gives the same plan, and the state is what its facts lead to."""
    state = with_edges()
    seen = evidence(calls(600), calls(11_400))
    first, second = look(state, seen), look(state, seen)
    assert first == second
    assert reduce(fold, first.facts, state) == first.state


def test_a_settled_service_wants_nothing() -> None:
    """A second pass over a settled service stores nothing and changes no slice."""
    first = look(live())
    second = look(first.state)
    assert ([], first.slice) == (bodies(second), second.slice)
