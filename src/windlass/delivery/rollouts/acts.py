"""What a person's act means, as facts. Every act ends with `ActEnded`: done, or refused with the reason.

An act is answered in the pass after it was asked, from the state at that moment: a promote that comes too late is
refused, it is not applied to another release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from windlass.facts import types as kinds
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.state import ActState, ReleaseState, ServiceState
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant, rfc3339

Facts = tuple[Any, ...]
CandidateOf = Callable[[ServiceState], str]


@dataclass(frozen=True, slots=True)
class _No(Exception):
    """The act is refused: the words say why."""

    words: str


def answer(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> Facts:
    """The facts that an act leads to; the last one is its `ActEnded`.

    `candidate_of` says which release waits for traffic in a state, empty where none does.
    """
    verb = _VERBS.get(act.verb)
    try:
        if verb is None:
            raise _No(f"there is no act called {act.verb}")
        facts, words = verb(act, state, candidate_of)
    except _No as no:
        return (kinds.ActEnded(act.act, act.verb, "refused", no.words),)
    return (*facts, kinds.ActEnded(act.act, act.verb, "done", words))


def named_release(state: ServiceState, text: str) -> str:
    """The release that a cut or whole digest, or the commit of one, names; empty where none or several do."""
    text = text.removeprefix("releases/").removeprefix("blake3:")
    if len(text) < 8:
        return ""
    by_digest = [key for key in state.releases if key.partition(":")[2].startswith(text)]
    found = by_digest or [record.release for record in state.releases.values() if record.commit.startswith(text)]
    return found[0] if len(found) == 1 else ""


def _need_reason(act: ActState, what: str) -> None:
    """Some acts overrule a judgement: who asks why later must find more than a name."""
    if not act.reason.strip():
        raise _No(f"{what} needs a reason; add `--reason`")


def _text(act: ActState, name: str) -> str:
    value = act.arguments.get(name, "")
    return value if isinstance(value, str) else ""


def _flag(act: ActState, name: str) -> bool:
    return act.arguments.get(name) is True


def _release(act: ActState, state: ServiceState, default: str) -> str:
    text = _text(act, "release")
    if not text:
        return default
    found = named_release(state, text)
    if not found:
        raise _No(f"no release is called {text}; name at least 8 characters of its digest or commit")
    return found


def _promote(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    rollout = state.rollout
    release = _release(act, state, rollout.release if rollout else candidate_of(state))
    if not release:
        raise _No("no release waits for traffic")
    if release == state.live:
        raise _No(f"release {short(release)} is live already")
    if release in state.quarantine:
        raise _No(f"release {short(release)} is quarantined: {state.quarantine[release].because}; see `windlass retry`")
    if state.freeze is not None:
        raise _No(f"the service is frozen by {state.freeze.who}: {state.freeze.reason}; `windlass resume` first")
    facts = list(_permission(act, state, state.releases.get(release)))
    if rollout is None or rollout.release != release:
        return _promote_other(act, state, release, facts)
    if _flag(act, "full") or rollout.step + 2 >= len(rollout.shares):
        facts.append(_ended(act, state, "promoted", f"promoted in full by {act.who}"))
        return tuple(facts), f"release {short(release)} gets all of the traffic"
    step, share = rollout.step + 1, rollout.shares[rollout.step + 1]
    edges = rollout.steps_taken[-1].edges if rollout.steps_taken else ()
    step_id = f"s{state.steps_count + 1}"
    taken = kinds.StepTaken(rollout.rollout, step, step_id, share, f"promoted by {act.who}", (), edges, act.who)
    return (*facts, taken), f"release {short(release)} gets {share:.0%} of the traffic"


def _permission(act: ActState, state: ServiceState, record: ReleaseState | None) -> Facts:
    if record is None or record.verdict == "pass" or record.overridden:
        return ()
    if not record.verdict:
        raise _No(f"release {short(record.release)} is not judged yet, and gate zero is never skipped")
    if any(_failed_at_zero(check) for check in record.verdict_checks):
        raise _No("gate zero failed: a release that does not load or answers differently is never promoted")
    if not _flag(act, "override"):
        said = f"the gate of release {short(record.release)} says {record.verdict}"
        raise _No(f"{said}; `--override --reason …` would be a fact")
    _need_reason(act, "an override")
    return (kinds.OverrideMade(record.release, record.verdict, act.who, act.reason),)


def _failed_at_zero(check: Mapping[str, object]) -> bool:
    """Whether a check of gate zero says no; their lines begin with its name (`gates/zero.py`)."""
    return str(check.get("line", "")).startswith("gate zero") and check.get("verdict") == "fail"


def _promote_other(act: ActState, state: ServiceState, release: str, facts: list[Any]) -> tuple[Facts, str]:
    if not (_flag(act, "full") and _flag(act, "now")):
        if state.rollout is not None:
            raise _No("another rollout is under way; `--full --now` replaces it")
        return tuple(facts), f"release {short(release)} may start its rollout"
    _need_reason(act, "to promote in full at once")
    if state.rollout is not None:
        facts.append(_ended(act, state, "replaced", f"replaced by {short(release)} at the word of {act.who}"))
    record = state.releases[release]
    steps = state.steps_count + (1 if state.rollout is not None else 0)
    name = f"r{steps + 1}"
    because = f"promoted in full at once by {act.who}"
    facts.append(kinds.RolloutStarted(name, release, record.commit, state.live, (1.0,), because))
    facts.append(kinds.StepTaken(name, 0, f"s{steps + 1}", 1.0, because, (), (), act.who))
    facts.append(kinds.RolloutEnded(name, release, "promoted", because, who=act.who))
    return tuple(facts), f"release {short(release)} gets all of the traffic at once"


def _ended(act: ActState, state: ServiceState, outcome: str, because: str) -> kinds.RolloutEnded:
    rollout = state.rollout
    assert rollout is not None
    words = f"{because}: {act.reason}" if act.reason else because
    return kinds.RolloutEnded(rollout.rollout, rollout.release, outcome, words, who=act.who)


def _quarantine(act: ActState, state: ServiceState, release: str) -> kinds.Quarantined:
    record = state.releases.get(release)
    words = f"{act.verb} by {act.who}" + (f": {act.reason}" if act.reason else "")
    return kinds.Quarantined(release, record.build_key if record else "", words, act.who)


def _abort(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    if state.rollout is None or _flag(act, "build"):
        return _abort_jobs(act, state)
    release = state.rollout.release
    ended = _ended(act, state, "aborted", f"aborted by {act.who}")
    return (ended, _quarantine(act, state, release)), f"release {short(release)} is back at 0 % and quarantined"


def _abort_jobs(act: ActState, state: ServiceState) -> tuple[Facts, str]:
    """Cancel the build and the judgement that run. A newest commit that the build was for too shares its end."""
    facts: list[Any] = []
    words, then, wanted = [], "`windlass retry` starts again", state.wanted
    for build in [one for one in state.builds.values() if one.state == "running"]:
        commits = {build.commit: True}
        if wanted is not None and wanted.build_key == build.build_key:
            commits[wanted.commit] = True
        elif wanted is not None:
            then = f"commit {short(wanted.commit)}, the newest, is next"
        facts += [kinds.BuildCancelled(commit, build.build_key, act.who, act.reason) for commit in commits]
        words.append(f"the build of commit {short(build.commit)} is cancelled")
    for record in [one for one in state.releases.values() if one.gate_job]:
        facts.append(kinds.GateCancelled(record.release, act.who, act.reason))
        words.append(f"the gate of release {short(record.release)} is cancelled")
    if not facts:
        raise _No(f"no {'' if state.rollout else 'rollout, '}build or gate is under way")
    return tuple(facts), f"{' and '.join(words)}; {then}"


def _pause(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    if state.rollout is None:
        raise _No("no rollout is under way")
    paused = kinds.Paused(state.rollout.rollout, act.who, act.reason)
    return (paused,), f"the rollout stays at {state.rollout.share:.0%}"


def _resume(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    facts: list[Any] = []
    if state.freeze is not None:
        facts.append(kinds.Thawed(act.who, act.reason))
    if state.rollout is not None and state.rollout.paused_by:
        facts.append(kinds.Resumed(state.rollout.rollout, act.who, act.reason))
    if not facts:
        raise _No("nothing is paused or frozen")
    return tuple(facts), "traffic may move again"


def _rollback(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    until = _until(act)
    frozen = kinds.Frozen(act.who, act.reason or f"rollback by {act.who}", until)
    end = f" until {rfc3339(until)} or `windlass resume`" if until is not None else ""
    if state.rollout is not None and state.rollout.champion and not _text(act, "to"):
        release = state.rollout.release
        ended = _ended(act, state, "rolled_back", f"rolled back by {act.who}")
        words = f"release {short(release)} is back at 0 % and quarantined; the service is frozen{end}"
        return (ended, _quarantine(act, state, release), frozen), words
    target = _target(act, state)
    facts: list[Any] = []
    steps = state.steps_count
    if state.rollout is not None:
        facts += [_ended(act, state, "rolled_back", f"rolled back by {act.who}")]
        facts += [_quarantine(act, state, state.rollout.release)]
        steps += 1
    because = f"{act.who} went back to it from release {short(state.live)}" + (f": {act.reason}" if act.reason else "")
    name = f"r{steps + 1}"
    facts += [
        _quarantine(act, state, state.live),
        kinds.RolloutStarted(name, target, state.releases[target].commit, state.live, (1.0,), because),
        kinds.StepTaken(name, 0, f"s{steps + 1}", 1.0, because, (), (), act.who),
        kinds.RolloutEnded(name, target, "promoted", because, who=act.who),
        frozen,
    ]
    left = f"{short(state.live)} is quarantined, the service frozen{end}"
    return tuple(facts), f"release {short(target)} serves again; {left}"


def way_back(state: ServiceState, to: str = "") -> str:
    """The release that a rollback returns to: the previous one, else the best, else the newest that was promoted;
    empty where there is none. Quarantined releases and `to` never are a way back."""
    promoted = sorted(
        (record for record in state.releases.values() if record.fate == "promoted"),
        key=lambda record: (record.fate_at, record.release),
        reverse=True,
    )
    for release in (state.previous, state.best, *(record.release for record in promoted)):
        if (
            release
            and release not in (state.live, to)
            and release in state.releases
            and release not in state.quarantine
        ):
            return release
    return ""


def _target(act: ActState, state: ServiceState) -> str:
    if not state.live:
        raise _No("no release serves: there is nothing to go back from")
    text = _text(act, "to")
    target = named_release(state, text) if text else way_back(state)
    if not target:
        raise _No(f"no release is called {text}" if text else "there is no earlier release to go back to")
    if target == state.live:
        raise _No(f"release {short(target)} is live already")
    if state.rollout is not None and target == state.rollout.release:
        words = f"release {short(target)} is being rolled out"
        raise _No(f"{words}; `windlass promote` moves it on, `windlass abort` ends it")
    if target in state.quarantine:
        raise _No(f"release {short(target)} is quarantined; `windlass retry {short(target)}` lifts that")
    if not _has_served(state.releases[target], state):
        words = f"release {short(target)} was never live and its gate did not pass"
        raise _No(f"{words}; `windlass promote {short(target)} --full --now` asks for what that needs")
    return target


def _has_served(record: ReleaseState, state: ServiceState) -> bool:
    """Whether a release answered callers before, or could have: going back is no way around the gate."""
    was_live = record.fate == "promoted" or record.release in (state.previous, state.best)
    return was_live or record.verdict == "pass" or record.overridden


def _retry(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    text = _text(act, "release")
    if _flag(act, "fresh_env"):
        return _retry_fresh(act, state)
    if text:
        release = _release(act, state, "")
        build_key = state.releases[release].build_key
        facts: list[Any] = [kinds.Retried(release, build_key, act.who, act.reason)]
        if release in state.quarantine:
            _need_reason(act, "to lift a quarantine")
            facts.append(kinds.QuarantineLifted(release, act.who, act.reason))
        after = state
        for body in facts:
            after = fold(after, Fact(state.service, act.at, body))
        return tuple(facts), _again(after, after.releases[release], is_next=candidate_of(after) == release)
    wanted = state.wanted
    failed = (
        wanted is not None and wanted.build_key in state.builds and state.builds[wanted.build_key].state == "failed"
    )
    if wanted is not None and failed:
        return (
            kinds.Retried("", wanted.build_key, act.who, act.reason),
        ), f"commit {short(wanted.commit)} builds again"
    build = state.builds.get(wanted.build_key) if wanted is not None else None
    if wanted is not None and (build is None or build.state == "running"):
        return (), f"commit {short(wanted.commit)} is built with the data of now"
    candidate = candidate_of(state)
    record = state.releases.get(candidate)
    if record is not None and (record.verdict in ("unsure", "fail", "") or record.gate_words):
        retried = kinds.Retried(candidate, record.build_key, act.who, act.reason)
        return (retried,), f"release {short(candidate)} is judged again"
    if state.quarantine:
        names = ", ".join(short(release) for release in sorted(state.quarantine))
        raise _No(f"name the release whose quarantine is to be lifted: {names}")
    raise _No("nothing failed and nothing is quarantined")


def _again(state: ServiceState, record: ReleaseState, *, is_next: bool) -> str:
    """What follows in a state where a release is no longer quarantined, and which one that is."""
    named = f'release {short(record.release)} of commit {short(record.commit)} "{record.subject}"'
    if record.release == state.live:
        return f"{named} serves already"
    if not is_next:
        return f"{named} is allowed again, but not next: it is judged once a commit leads to it again"
    if state.freeze is not None:
        return f"{named} is judged again now; if its gate passes, it waits for `windlass resume`"
    then = "; the rollout under way ends first" if state.rollout is not None else ""
    return f"{named} is judged again now, and rolled out if its gate passes{then}"


def _retry_fresh(act: ActState, state: ServiceState) -> tuple[Facts, str]:
    wanted = state.wanted
    if wanted is None:
        raise _No("no commit wants this service, so there is nothing to build")
    build = state.builds.get(wanted.build_key)
    if build is not None and build.state == "running":
        raise _No("a build of this commit runs; `--fresh-env` works once it has ended")
    if any(one.build_key == wanted.build_key for one in state.quarantine.values()):
        raise _No("this build is quarantined; `windlass retry RELEASE` lifts that first")
    retried = kinds.Retried("", wanted.build_key, act.who, act.reason, fresh_env=True)
    return (retried,), f"commit {short(wanted.commit)} builds again in a fresh environment"


def _retire(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    facts: list[Any] = []
    if state.rollout is not None:
        facts.append(_ended(act, state, "aborted", f"the service was retired by {act.who}"))
    return (*facts, kinds.Retired(act.who, act.reason)), "the service is taken down"


def _freeze(act: ActState, state: ServiceState, candidate_of: CandidateOf) -> tuple[Facts, str]:
    _need_reason(act, "a freeze")
    at = _until(act)
    end = f"{rfc3339(at)} or " if at is not None else ""
    return (kinds.Frozen(act.who, act.reason, at),), f"no traffic moves until {end}`windlass resume`"


def _until(act: ActState) -> Instant | None:
    """When the freeze that an act brings ends by itself; None where it does not."""
    until = act.arguments.get("until")
    at = Instant(until) if isinstance(until, int) and not isinstance(until, bool) else None
    if at is not None and at <= act.at:
        raise _No(f"the freeze would have ended at {rfc3339(at)} already")
    return at


_VERBS: dict[str, Callable[[ActState, ServiceState, CandidateOf], tuple[Facts, str]]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "rollback": _rollback,
    "retry": _retry,
    "retire": _retire,
    "freeze": _freeze,
}
