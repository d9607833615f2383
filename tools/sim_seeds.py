"""`make sim`: random days from many seeds on all cores; SIM_SEEDS and SIM_FIRST change how many and from where.

It prints seeds, virtual hours, faults by kind and broken promises, and exits 0 only if none broke.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from collections import Counter

from windlass.sim.days import Day, live_through


def _one(seed: int) -> Day:
    return asyncio.run(live_through(seed))


def main() -> int:
    """Live through the days; 0 where every promise held."""
    count, first = int(os.environ.get("SIM_SEEDS", "50")), int(os.environ.get("SIM_FIRST", "1"))
    began = time.monotonic()
    faults: Counter[str] = Counter()
    seconds, broken = 0, 0
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for day in pool.imap(_one, range(first, first + count)):
            faults += day.faults
            seconds += day.seconds
            for words in day.broken:
                broken += 1
                sys.stdout.write(f"seed {day.seed}: {words}\n  replay: SIM_SEEDS=1 SIM_FIRST={day.seed} make sim\n")
    real = time.monotonic() - began
    pace = seconds / real / (os.cpu_count() or 1)
    sys.stdout.write(
        f"{count} seeds, {seconds / 3600:.1f} virtual hours, {sum(faults.values()):,} faults, "
        f"{broken} broken promises; {real:.0f} s, {pace:,.0f} times real time per core\n"
    )
    for name, number in sorted(faults.items()):
        sys.stdout.write(f"  {number:6,}  {name}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
