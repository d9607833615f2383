"""`make sim`: random days from many seeds on all cores. It prints seeds, virtual hours, faults by kind and broken
promises, and exits 0 only if none broke.

    python -m tools.sim_seeds [--first 1] [--seeds 500] [--hours H] [--quiet S] [--write build/sim.json] [--processes N]
    python -m tools.sim_seeds --seed 17 [--quiet S] [--only 3,9,12] [--shrink]

Each fourth day is a busy one, whose seed is a million higher. `--quiet` lets so many seconds follow each day in which
only callers call. With `--hours` days are lived until so many virtual hours are full; from a virtual year on they must
hold enough faults of each kind, and a rollout a day. How far a run with `--write` has got stands beside that file:
killed, it goes on there when the same command is typed at the same commit. `--seed` lives one day again, byte for byte;
`--only` leaves out all happenings but these; `--shrink` finds out which are needed for the day to fail.
"""

import argparse
import itertools
import json
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools.sim_sums import YEAR_HOURS, Sums, commit, keep, kept
from windlass.sim.days import lived
from windlass.sim.shrinking import shrunk
from windlass.sim.storms import BUSY, Storm, drawn
from windlass.sim.weather import Day

BUSY_EVERY = 4
AHEAD = 64  # days that are given out before the first comes back
SHRINK_SECONDS_MAX = 600.0
KEEP_SECONDS = 60.0
FIRST_SECONDS_MAX = 120.0  # for the first failing day, which is made small unasked
REPLAY = "python -m tools.sim_seeds --seed"


def _one(seed: int, quiet_seconds: int) -> Day:
    logging.disable(logging.CRITICAL)
    return lived(drawn(seed, quiet_seconds=quiet_seconds))


def _seed(number: int) -> int:
    """Each fourth day is a busy one."""
    return number if number % BUSY_EVERY else BUSY + number


def _days(options: argparse.Namespace, done: int) -> Iterator[Day]:
    """The days that a run still has to live, in the order of their seeds."""
    last = None if options.hours else options.first + options.seeds
    numbers = itertools.takewhile(lambda number: last is None or number < last, itertools.count(options.first + done))
    seeds = map(_seed, numbers)
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        waiting = [pool.apply_async(_one, (seed, options.quiet)) for seed in itertools.islice(seeds, AHEAD)]
        while waiting:
            yield waiting.pop(0).get()
            waiting += [pool.apply_async(_one, (seed, options.quiet)) for seed in itertools.islice(seeds, 1)]


def many(options: argparse.Namespace) -> int:
    """Live through many days."""
    run = f"{commit()} --first {options.first} --seeds {options.seeds} --hours {options.hours} --quiet {options.quiet}"
    place = Path(f"{options.write}.part") if options.write else None
    sums = kept(place, run) if place else Sums()
    began = written = time.monotonic() - sums.real_seconds
    for day in _days(options, sums.days):
        sums.add(day)
        now = time.monotonic()
        sums.real_seconds = now - began
        for words in day.broken:
            sys.stdout.write(f"seed {day.seed}: {words}\n  replay: {_replay(options, day.seed)}\n")
        if place and now - written > KEEP_SECONDS:
            keep(place, run, sums)
            written = now
        if options.hours and sums.hours >= options.hours:
            break
    return _told(options, sums, place)


def _told(options: argparse.Namespace, sums: Sums, place: Path | None) -> int:
    """Print what a run came to; 1 where a promise broke, or a year was not one."""
    wanting = sums.wanting() if options.hours >= YEAR_HOURS else []
    if sums.failed:
        _shrink(options, sums.failed[0], FIRST_SECONDS_MAX)
    text = json.dumps({**sums.report(options.processes), "wanting": wanting}, indent=2) + "\n"
    sys.stdout.write(text)
    if place:
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(options.write).write_text(text)
        place.unlink(missing_ok=True)
    return 1 if sums.broken or wanting else 0


def one(options: argparse.Namespace) -> int:
    """Live through one day again, and make it small where that is asked for."""
    logging.disable(logging.CRITICAL)
    storm = drawn(options.seed, quiet_seconds=options.quiet)
    if options.only:
        storm = storm.only([int(part) for part in options.only.split(",")])
    if options.shrink:
        storm = _shrink(options, options.seed, SHRINK_SECONDS_MAX)
    day = lived(storm)
    sys.stdout.write("\n".join(day.broken or ["every promise held"]) + f"\nhistory {day.digest}\n")
    return 1 if day.broken else 0


def _replay(options: argparse.Namespace, seed: int) -> str:
    return f"{REPLAY} {seed}" + (f" --quiet {options.quiet}" if options.quiet else "")


def _shrink(options: argparse.Namespace, seed: int, seconds_max: float) -> Storm:
    """Make a failing day small, and say what stays."""
    logging.disable(logging.CRITICAL)
    storm = drawn(seed, quiet_seconds=options.quiet)
    small = shrunk(storm, lambda words: print(words, flush=True), seconds_max)
    positions = [at for at, one in enumerate(storm.happenings) if one in small.happenings]
    for at in positions:
        sys.stdout.write(f"  {at:4}  {storm.happenings[at]}\n")
    sys.stdout.write(f"replay: {_replay(options, seed)} --only {','.join(map(str, positions))}\n")
    return small


def main() -> int:
    """0 where every promise held."""
    parser = argparse.ArgumentParser(description="Live through random days on a virtual clock.")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--quiet", type=int, default=0)
    parser.add_argument("--write", default="")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    return one(options) if options.seed is not None else many(options)


if __name__ == "__main__":
    sys.exit(main())
