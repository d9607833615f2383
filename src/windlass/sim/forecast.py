"""What a file would mean for callers, before it is merged: many releases, each followed to its end, and counted.

Every release has a world and a seed of its own, so releases are independent, their order does not matter, and shares
have exact bounds. Equal seeds give equal answers, on any number of processor cores.
"""

import asyncio
import logging
import math
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from windlass.delivery.rollouts.types import Limits
from windlass.maths.proportions import proportion_lower, proportion_upper
from windlass.sim.behaviour import Behaviour
from windlass.sim.stories import Setting, Told, gist, slow_from, tell

HARMLESS = "harmless"
ALPHA = 0.05  # of each bound of a share
OUTCOMES = ("promoted", "rolled_back", "held", "overtaken", "never_began", "unfinished")
NOT_OVER = ("promoted", "held", "unfinished")  # a bad release that still hurts when the story ends
RUNS_A_PROCESS = 16  # a process takes a second to begin: fewer releases are told sooner without it

Item = dict[str, Any]
Job = tuple[Setting, Behaviour, int, int]


@dataclass(frozen=True, slots=True)
class Question:
    """What to find out. `bads` holds each bad release by its name; of each half as many are followed as of the
    harmless one. The releases lie evenly in the virtual `days`. `only` is the number of the one of each that is
    followed, from 1 on; 0 for all."""

    setting: Setting
    bads: tuple[tuple[str, Behaviour], ...] = ()
    days: int = 30
    runs: int = 100
    seed: int = 1
    only: int = 0


def forecast(question: Question, said: Callable[[int, int], None], processes: int = 0) -> Item:
    """The answer, ready for JSON.

    Args:
        question: what to find out.
        said: hears how many releases were followed, and of how many.
        processes: how many share the work; 0 for one on each core, or fewer where there is little to do.

    Raises:
        UserMistake: the file leaves no time in which traffic may move.
    """
    groups = [(HARMLESS, question.setting.base, question.runs)]
    groups += [(name, bad, math.ceil(question.runs / 2)) for name, bad in question.bads]
    jobs = [job for name, behaviour, runs in groups for job in _jobs(question, name, behaviour, runs)]
    told: list[Told] = []
    for one in _told(jobs, processes or min(_cores(), len(jobs) // RUNS_A_PROCESS)):
        told.append(one)
        said(len(told), len(jobs))
    items, broken, rest = [], [], told
    for name, behaviour, runs in groups:
        numbers = _numbers(question, runs)
        items.append(_item(name, behaviour, rest[: len(numbers)]))
        broken += [
            {"release": name, "number": number, "words": words}
            for number, one in zip(numbers, rest, strict=False)
            for words in one.broken
        ]
        rest = rest[len(numbers) :]
    return {"items": items, **_whole(question, told), "broken": broken}


def _jobs(question: Question, name: str, behaviour: Behaviour, runs: int) -> Iterator[Job]:
    for number in _numbers(question, runs):
        seed = random.Random(f"{question.seed}/{name}/{number - 1}").getrandbits(48)
        yield question.setting, behaviour, seed, (number - 1) * question.days // runs


def _numbers(question: Question, runs: int) -> Sequence[int]:
    return (question.only,) if question.only else range(1, runs + 1)


def _told(jobs: Sequence[Job], processes: int) -> Iterator[Told]:
    """Every story, in the order of the jobs."""
    if processes <= 1:
        with _quiet():
            yield from map(_one, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _begin) as pool:
        yield from pool.imap(_one, jobs)


def _one(job: Job) -> Told:
    return asyncio.run(tell(*job))


def _begin() -> None:
    """A process of the pool: its parent hears the keyboard, and nobody reads the log of a simulated engine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _item(name: str, behaviour: Behaviour, told: Sequence[Told]) -> Item:
    """What became of all releases of one kind."""
    hurting = [None if one.outcome in NOT_OVER else one for one in told]
    return {
        "release": name,
        "errors": behaviour.errors,
        "latency_seconds": behaviour.seconds,
        "runs": len(told),
        **{outcome: _share([one.outcome for one in told].count(outcome), len(told)) for outcome in OUTCOMES},
        "begins": _begins(told),
        "endings": _endings(told),
        "full_seconds": _quantiles([one.full_seconds for one in told]),
        "lived_seconds": _quantiles([one.lived_seconds if one is not None else None for one in hurting]),
        "served_requests": _quantiles([one.served if one is not None else None for one in hurting]),
        "failed_requests": _quantiles([one.failed if one is not None else None for one in hurting]),
        "slow_requests": _quantiles([one.slow if one is not None else None for one in hurting]),
        "waits": _waits(told),
    }


def _share(hits: int, runs: int) -> Item:
    """A share with its Clopper-Pearson bounds, each at 95 %."""
    return {
        "runs": hits,
        "share": hits / runs,
        "at_least": proportion_lower(hits, runs, ALPHA),
        "at_most": proportion_upper(hits, runs, ALPHA),
    }


def _quantiles(values: Sequence[float | None]) -> Item:
    """Median and 95 % quantile as order statistics; null where so many had no end in sight."""
    ordered = sorted(math.inf if value is None else value for value in values)
    found = {"median": ordered[math.ceil(0.5 * len(ordered)) - 1], "q95": ordered[math.ceil(0.95 * len(ordered)) - 1]}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def _begins(told: Sequence[Told]) -> list[Item]:
    """With which steps rollouts began, and why, the most frequent first: where few call they are not the file's."""
    count = Counter((one.steps, one.began) for one in told if one.steps)
    return [
        {"steps": list(steps), "because": because, "runs": runs}
        for (steps, because), runs in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _endings(told: Sequence[Told]) -> list[Item]:
    """How releases ended and why, the most frequent first, each with the sentence of one of them and all faults that
    they met."""
    groups: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        groups.setdefault((one.outcome, gist(one.because)), []).append(one)
    return [
        {
            "outcome": outcome,
            "because": because,
            "runs": len(group),
            "example": group[0].because,
            "faults": _by_kind(group),
        }
        for (outcome, because), group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]


def _waits(told: Sequence[Told]) -> list[Item]:
    """What a release waits for after its gate has passed, in seconds on average, the longest first."""
    total: dict[str, float] = {}
    for one in told:
        for words, seconds in one.waits.items():
            total[words] = total.get(words, 0.0) + seconds
    ordered = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"for": words, "mean_seconds": seconds / len(told)} for words, seconds in ordered]


def _whole(question: Question, told: Sequence[Told]) -> Item:
    by_kind = _by_kind(told)
    return {
        "seed": question.seed,
        "days": question.days,
        "confidence": 1 - ALPHA,
        "virtual_seconds": math.fsum(one.seconds for one in told),
        "requests": sum(one.sent for one in told),
        "unanswered_requests": sum(one.lost for one in told),
        "faults": {"kinds": len(question.setting.faults), "happened": sum(by_kind.values()), "by_kind": by_kind},
        "assumed": _assumed(question.setting),
    }


def _by_kind(told: Sequence[Told]) -> dict[str, int]:
    """How often each kind of fault happened, the most frequent first."""
    count = Counter(name for one in told for name in one.faults.elements())
    return dict(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))


def _assumed(setting: Setting) -> Item:
    """The callers, the champion, and what the file says about rollouts."""
    rollout, limits = setting.spec.rollout, Limits()
    return {
        "requests_per_second": setting.rhythm.peak,
        "night_share": setting.rhythm.night,
        "errors": setting.base.errors,
        "latency_seconds": setting.base.seconds,
        "slow_seconds": slow_from(setting.base) / 1e6,
        "steps": list(rollout.steps),
        "soak_seconds": rollout.soak_seconds,
        "harm_evidence": limits.harm_e_min,
        "safety_evidence": limits.safety_e_min,
        "limits": [limit.line for limit in rollout.limits],
        "time_limit_seconds": rollout.time_limit_seconds,
        "unsure": rollout.unsure,
        "unit": rollout.unit or None,
        "freeze": [window.line for window in setting.spec.freeze],
    }
