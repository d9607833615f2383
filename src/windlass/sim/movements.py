"""Promises about what moves traffic and about what people said: each a function whose docstring is the sentence."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.kernel.digests import short
from windlass.kernel.instants import seconds_between
from windlass.sim.seen import AUTHOR, Moved, Seen

GAP_SECONDS = 17.0  # so long after the first lost line no report without a gap is fresh any more
ATTEMPTS = 3  # of one build, the first one included
AGAIN = ("network", "disk", "crash")  # troubles that are gone when a build is tried once more
PASSES_BEHIND = 10  # settled, it looks every five seconds
BAD_SHARE = 0.2  # a candidate that fails so often is never taken for a good one by chance
SLOW_TIMES = 3.0


def a_canary_goes_step_by_step(seen: Seen) -> Iterator[str]:
    """A canary that moves by itself goes one step at a time, and is promoted from the last one only."""
    for moved in _advancing(seen):
        body, before = moved.fact.body, moved.before
        assert before is not None
        if isinstance(body, kinds.StepTaken) and body.step > before.step + 1:
            yield f"{body.rollout} went from step {before.step} to {body.step}"
        following = before.shares[before.step + 1 :]
        if isinstance(body, kinds.RolloutEnded) and following and following[0] < 1.0:
            yield f"{body.rollout} was promoted from step {before.step} of {len(before.shares)}"


def every_step_soaks(seen: Seen) -> Iterator[str]:
    """No step is left by itself before it has soaked."""
    soak = min(_soak_seconds(seen.before), _soak_seconds(seen.state))
    for moved in _advancing(seen):
        assert moved.before is not None
        passed = seconds_between(moved.before.at, moved.fact.at)
        if 0 <= passed < soak:  # a step from the future was begun by a clock that was wrong
            yield f"{moved.fact.body.rollout} moved on after {passed:.0f} s of {soak:.0f}"


def _soak_seconds(state: ServiceState) -> float:
    rollout = state.wanted.spec.get("rollout") if state.wanted is not None else None
    seconds = cast(Mapping[str, object], rollout).get("soak_seconds") if isinstance(rollout, Mapping) else 0.0
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0


def _advancing(seen: Seen) -> Iterator[Moved]:
    return (moved for moved in seen.moved if moved.advances)


def nothing_moves_while_it_is_stopped(seen: Seen) -> Iterator[str]:
    """While a service is frozen or its rollout paused, nothing gets more traffic by itself."""
    frozen = seen.before.freeze is not None
    paused = (
        {seen.before.rollout.rollout} if seen.before.rollout is not None and seen.before.rollout.paused_by else set()
    )
    for fact in seen.fresh:
        match fact.body:
            case kinds.Frozen():
                frozen = True
            case kinds.Thawed():
                frozen = False
            case kinds.Paused(rollout=rollout):
                paused.add(rollout)
            case kinds.Resumed(rollout=rollout):
                paused.discard(rollout)
            case kinds.StepTaken(rollout=rollout, who=who) if who == AUTHOR and (frozen or rollout in paused):
                yield f"{rollout} took a step"
            case kinds.RolloutEnded(rollout=rollout, outcome="promoted", who=who) if who == AUTHOR and (
                frozen or rollout in paused
            ):
                yield f"{rollout} was promoted"
            case _:
                pass


def counts_with_a_gap_never_advance(seen: Seen) -> Iterator[str]:
    """Counts from which lines are missing never advance a canary."""
    now = seen.world.clock.now()
    blind = [site for site, since in sorted(seen.gap_since.items()) if seconds_between(since, now) > GAP_SECONDS]
    for moved in _advancing(seen):
        for site in blind:
            yield f"{moved.fact.body.rollout} moved on although lines of {site} are missing"


def a_verdict_counts_against_its_champion(seen: Seen) -> Iterator[str]:
    """A rollout begins by itself only on a verdict against the champion of that moment."""
    by_hand = {
        fact.body.rollout for fact in seen.fresh if isinstance(fact.body, kinds.StepTaken) and fact.body.who != AUTHOR
    }
    for fact in seen.fresh:
        body = fact.body
        if isinstance(body, kinds.RolloutStarted) and body.rollout not in by_hand:
            record = seen.state.releases.get(body.release)
            if record is not None and record.verdict_champion != body.champion:
                yield f"{short(body.release)} was judged against {short(record.verdict_champion) or 'nothing'}"


def a_bad_release_is_never_promoted(seen: Seen) -> Iterator[str]:
    """A release that fails or dawdles where its champion does not is never promoted by itself."""
    scripts = seen.world.scripts
    for moved in _advancing(seen):
        body = moved.fact.body
        assert moved.before is not None
        bad, good = scripts.of_release(getattr(body, "release", "")), scripts.of_release(moved.before.champion)
        if bad is None or good is None:
            continue
        if bad.bad >= good.bad + BAD_SHARE or bad.milliseconds >= SLOW_TIMES * good.milliseconds:
            yield f"{short(body.release)} with {bad.bad:.0%} of failures and {bad.milliseconds:.0f} ms was promoted"


def what_goes_back_is_quarantined(seen: Seen) -> Iterator[str]:
    """What was rolled back or aborted is in quarantine from that moment on."""
    lifted = _lifted(seen)
    for fact in seen.fresh:
        body = fact.body
        is_back = isinstance(body, kinds.RolloutEnded) and body.outcome in ("rolled_back", "aborted")
        if is_back and body.release not in {*seen.state.quarantine, *lifted} and not seen.state.retired:
            yield f"{short(body.release)} was {body.outcome} and may come again"


def only_a_person_lifts_a_quarantine(seen: Seen) -> Iterator[str]:
    """A quarantine ends when a person lifts that one, and only then."""
    lifted = _lifted(seen)
    for release in sorted(set(seen.before.quarantine) - set(seen.state.quarantine) - lifted):
        yield f"{short(release)} is no longer quarantined, and nobody lifted that"
    last: dict[str, str] = {}
    for fact in seen.fresh:
        if isinstance(fact.body, (kinds.QuarantineLifted, kinds.Quarantined)):
            last[fact.body.release] = fact.kind
    for release in sorted(seen.state.quarantine):
        if last.get(release) == "QuarantineLifted":
            yield f"{short(release)} is still quarantined although somebody lifted that"
    yield from _retried_in_vain(seen, lifted)


def _lifted(seen: Seen) -> set[str]:
    return {fact.body.release for fact in seen.fresh if isinstance(fact.body, kinds.QuarantineLifted)}


def _retried_in_vain(seen: Seen, lifted: set[str]) -> Iterator[str]:
    asked: dict[str, ActState | kinds.ActAsked] = {act.act: act for act in seen.before.acts}
    asked |= {fact.body.act: fact.body for fact in seen.fresh if isinstance(fact.body, kinds.ActAsked)}
    for fact in seen.fresh:
        act = asked.get(fact.body.act) if isinstance(fact.body, kinds.ActEnded) else None
        if act is None or act.verb != "retry" or fact.body.outcome != "done":
            continue
        named = str(act.arguments.get("release", ""))
        for release in sorted(seen.before.quarantine):
            if named and release.partition(":")[2].startswith(named) and release not in lifted:
                yield f"a retry of {named} was done, and it is quarantined as before"


def a_rollback_freezes(seen: Seen) -> Iterator[str]:
    """After a person's rollback the service is frozen until somebody says otherwise."""
    if seen.state.freeze is not None or any(isinstance(fact.body, kinds.Thawed) for fact in seen.fresh):
        return
    for fact in seen.fresh:
        body = fact.body
        if isinstance(body, kinds.ActEnded) and (body.verb, body.outcome) == ("rollback", "done"):
            yield f"{body.act} left it free to move"


def a_plan_knows_what_is_banned_and_the_way_back(seen: Seen) -> Iterator[str]:
    """Every plan tells the sites what must not serve, and which release a rollback returns to."""
    piece, state = seen.stored.slices.get(seen.world.service), seen.state
    if piece is None:
        return
    for release in sorted(set(state.quarantine) - set(piece.banned)):
        yield f"nothing keeps a site from serving {short(release)}"
    back = state.live if state.rollout is not None else state.previous
    usable = back in state.releases and back not in state.quarantine
    if usable and (back != state.live or state.rollout is not None) and not piece.way_back:
        yield f"it does not name {short(back)}"


def a_plan_never_contradicts_itself(seen: Seen) -> Iterator[str]:
    """No plan has to be refused because it contradicts itself."""
    engine = seen.world.engine
    for service, wrong in sorted(engine.contradictions.items() if engine is not None else ()):
        for words in wrong:
            yield f"{service}: {words}"


def a_pass_begins_from_what_is_stored(seen: Seen) -> Iterator[str]:
    """The control plane plans from what is stored, also after another one has written."""
    if seen.behind > PASSES_BEHIND:
        yield f"for {seen.behind} s it has taken an older state for it"


def a_failed_build_is_not_tried_for_ever(seen: Seen) -> Iterator[str]:
    """A build that failed by its own fault is not tried again by itself, and no build more than three times."""
    for fact in seen.fresh:
        match fact.body:
            case kinds.BuildFailed() as failed:
                seen.failures[failed.build_key] = failed
            case kinds.Retried(build_key=key):
                seen.failures.pop(key, None)
            case kinds.BuildStarted(build_key=key, commit=commit, attempt=attempt):
                last = seen.failures.get(key)
                if last is not None and last.commit == commit and last.kind not in AGAIN:
                    yield f"commit {short(commit)} builds again after: {last.words}"
                if attempt > ATTEMPTS:
                    yield f"commit {short(commit)} builds for the {attempt}. time"
            case _:
                pass


PROMISES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    a_canary_goes_step_by_step,
    every_step_soaks,
    nothing_moves_while_it_is_stopped,
    counts_with_a_gap_never_advance,
    a_verdict_counts_against_its_champion,
    a_bad_release_is_never_promoted,
    what_goes_back_is_quarantined,
    only_a_person_lifts_a_quarantine,
    a_rollback_freezes,
    a_plan_knows_what_is_banned_and_the_way_back,
    a_plan_never_contradicts_itself,
    a_pass_begins_from_what_is_stored,
    a_failed_build_is_not_tried_for_ever,
)
