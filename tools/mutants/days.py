"""Lives through random days until a promise breaks or an error comes out: `python -m tools.mutants.days COUNT [SEED]`.

It lives through COUNT usual and COUNT busy days, a given seed first, and prints one JSON line: the seed and the words;
nothing where every day is good. A day that does not end is found too.
"""

import asyncio
import json
import logging
import signal
import sys
import traceback
from types import FrameType

from windlass.sim.days import BUSY, live_through

DAY_SECONDS_MAX = 120.0  # of processor time: a day takes some seconds; who takes minutes turns in a circle


class _NoEnd(BaseException):
    """The day takes too long."""


def _ring(signum: int, frame: FrameType | None) -> None:
    raise _NoEnd


def found(seed: int) -> str:
    """What is wrong with the day of a seed; empty where nothing is."""
    signal.setitimer(signal.ITIMER_PROF, DAY_SECONDS_MAX)
    try:
        return "; ".join(asyncio.run(live_through(seed)).broken)
    except _NoEnd:
        return f"the day does not end within {DAY_SECONDS_MAX:.0f} s"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {where.name}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> int:
    """1 where a day was bad."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGPROF, _ring)
    count, *first = map(int, sys.argv[1:])
    seeds = [seed for number in range(1, count + 1) for seed in (number, BUSY + number)]
    for seed in dict.fromkeys([*first, *seeds]):
        words = found(seed)
        if words:
            sys.stdout.write(json.dumps({"seed": seed, "words": words[:300]}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
