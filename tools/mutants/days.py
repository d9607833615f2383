"""Lives through random days until a promise breaks or an error comes out: `python -m tools.mutants.days COUNT [SEED]`.

It lives through COUNT usual and COUNT busy days, a given seed first, and prints one JSON line: the seed and the words;
nothing where every day is good. A day that does not end is found too.
"""

import json
import logging
import sys

from windlass.sim.days import lived
from windlass.sim.storms import BUSY, drawn


def main() -> int:
    """1 where a day was bad."""
    logging.disable(logging.CRITICAL)
    count, *first = map(int, sys.argv[1:])
    seeds = [seed for number in range(1, count + 1) for seed in (number, BUSY + number)]
    for seed in dict.fromkeys([*first, *seeds]):
        words = "; ".join(lived(drawn(seed)).broken)
        if words:
            sys.stdout.write(json.dumps({"seed": seed, "words": words[:300]}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
