"""`make sim`: random days from many seeds on all cores. It prints seeds, virtual hours, faults by kind and broken
promises, and exits 0 only if none broke.

    python -m tools.sim_seeds [--first 1] [--seeds 500] [--hours H] [--write build/sim.json] [--processes N]
    python -m tools.sim_seeds --seed 17 [--only 3,9,12] [--shrink]

Each fourth day is a busy one, whose seed is a million higher. With `--hours` days are lived until so many virtual hours
are full. `--seed` lives one day again, byte for byte; `--only` leaves out all happenings but these; `--shrink` finds
out which are needed for the day to fail.
"""

import argparse
import itertools
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from windlass.sim.days import lived
from windlass.sim.faults import KINDS
from windlass.sim.shrinking import shrunk
from windlass.sim.storms import BUSY, Storm, drawn
from windlass.sim.weather import Day

DAY_SECONDS = 86_400
BUSY_EVERY = 4
AHEAD = 64  # days that are given out before the first comes back
SHRINK_SECONDS_MAX = 600.0
FIRST_SECONDS_MAX = 120.0  # for the first failing day, which is made small unasked
REPLAY = "python -m tools.sim_seeds --seed"


class Sums:
    """What all days came to."""

    def __init__(self) -> None:
        self.days = self.seconds = 0
        self.faults: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        self.broken: list[str] = []
        self.failed: list[int] = []
        self.rollouts = [0]  # by virtual day of 24 hours

    def add(self, day: Day) -> None:
        """Count one more day."""
        self.days += 1
        self.seconds += day.seconds
        self.faults += day.faults
        self.facts += day.facts
        self.broken += [f"seed {day.seed}: {words}" for words in day.broken]
        self.failed += [day.seed] if day.broken else []
        while len(self.rollouts) <= self.seconds // DAY_SECONDS:
            self.rollouts.append(0)
        self.rollouts[self.seconds // DAY_SECONDS] += day.facts["RolloutStarted"]

    def report(self, real_seconds: float, processes: int) -> dict[str, object]:
        """The sums as JSON."""
        total = sum(self.faults.values())
        answers = sum(count for name, count in self.faults.items() if KINDS[name].changes_answer)
        return {
            "commit": _commit(),
            "seeds": self.days,
            "virtual_hours": round(self.seconds / 3600, 1),
            "faults": total,
            "faults_changing_an_answer": round(answers / max(1, total), 3),
            "faults_by_kind": dict(sorted(self.faults.items())),
            "rarest_kind": round(min((self.faults[name] for name in KINDS), default=0) / max(1, total), 4),
            "facts": sum(self.facts.values()),
            "rollouts_in_the_quietest_day": min(self.rollouts[:-1], default=self.rollouts[0]),
            "broken": self.broken,
            "real_seconds": round(real_seconds),
            "times_real_time_per_core": round(self.seconds / real_seconds / processes),
        }


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _one(seed: int) -> Day:
    logging.disable(logging.CRITICAL)
    return lived(drawn(seed))


def _seed(number: int) -> int:
    """Each fourth day is a busy one."""
    return number if number % BUSY_EVERY else BUSY + number


def _days(options: argparse.Namespace) -> Iterator[Day]:
    count = map(_seed, itertools.count(options.first))
    seeds = count if options.hours else itertools.islice(count, options.seeds)
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        waiting = [pool.apply_async(_one, (seed,)) for seed in itertools.islice(seeds, AHEAD)]
        while waiting:
            yield waiting.pop(0).get()
            waiting += [pool.apply_async(_one, (seed,)) for seed in itertools.islice(seeds, 1)]


def many(options: argparse.Namespace) -> int:
    """Live through many days."""
    began, sums = time.monotonic(), Sums()
    for day in _days(options):
        sums.add(day)
        for words in day.broken:
            sys.stdout.write(f"seed {day.seed}: {words}\n  replay: {REPLAY} {day.seed}\n")
        if options.hours and sums.seconds >= 3600 * options.hours:
            break
    report = sums.report(time.monotonic() - began, options.processes)
    if sums.failed:
        _shrink(sums.failed[0], FIRST_SECONDS_MAX)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    if options.write:
        Path(options.write).parent.mkdir(parents=True, exist_ok=True)
        Path(options.write).write_text(json.dumps(report, indent=2) + "\n")
    return 1 if sums.broken else 0


def one(options: argparse.Namespace) -> int:
    """Live through one day again, and make it small where that is asked for."""
    logging.disable(logging.CRITICAL)
    storm = drawn(options.seed)
    if options.only:
        storm = storm.only([int(part) for part in options.only.split(",")])
    if options.shrink:
        storm = _shrink(options.seed, SHRINK_SECONDS_MAX)
    day = lived(storm)
    sys.stdout.write("\n".join(day.broken or ["every promise held"]) + f"\nhistory {day.digest}\n")
    return 1 if day.broken else 0


def _shrink(seed: int, seconds_max: float) -> Storm:
    """Make a failing day small, and say what stays."""
    logging.disable(logging.CRITICAL)
    storm = drawn(seed)
    small = shrunk(storm, lambda words: print(words, flush=True), seconds_max)
    positions = [at for at, one in enumerate(storm.happenings) if one in small.happenings]
    for at in positions:
        sys.stdout.write(f"  {at:4}  {storm.happenings[at]}\n")
    sys.stdout.write(f"replay: {REPLAY} {seed} --only {','.join(map(str, positions))}\n")
    return small


def main() -> int:
    """0 where every promise held."""
    parser = argparse.ArgumentParser(description="Live through random days on a virtual clock.")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--write", default="")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    return one(options) if options.seed is not None else many(options)


if __name__ == "__main__":
    sys.exit(main())
