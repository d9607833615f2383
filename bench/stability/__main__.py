"""`make bench-stability`: the control plane, its database and the repository are gone for ten minutes under load.

For as long it is measured with everything there: five minutes before and five after. `python -m bench.stability
--minutes 1` is a shorter trial.
"""

import argparse
import sys
from collections.abc import Sequence

from bench.report import Row, publish
from bench.stability.models import ONNX, TRAINED
from tests.end_to_end.kit import GOOD, Windlass, windlass
from tests.machine.stability import Alone, cold_seconds, import_seconds, left_alone
from tests.machine.towns import PATIENT, calling, live

MINUTES = 10.0
P99_RATIO_MAX = 1.05
COLD_SECONDS = 2.0
COLD_STARTS = 3


def main() -> int:
    """Measure and publish; 0 where every goal was met."""
    parser = argparse.ArgumentParser(prog="python -m bench.stability")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long the site is alone")
    minutes: float = parser.parse_args().minutes
    with windlass() as one:
        first = one.commit("v0", GOOD, PATIENT)
        one.up()
        release = live(one, first)["live"]["release"]
        alone = left_alone(one, 60 * minutes)
        python = _coldest(one)
        imports = import_seconds(one, release)
        second = one.commit("v1", ONNX, TRAINED)
        one.sync()
        with calling(one):
            live(one, second)
        onnx = _coldest(one)
    return publish("stability", [*_alone_rows(alone, minutes), *_cold_rows(python, imports, onnx)])


def _coldest(one: Windlass) -> float:
    return max(cold_seconds(one) for _ in range(COLD_STARTS))


def _alone_rows(alone: Alone, minutes: float) -> Sequence[Row]:
    ratio = alone.p99_alone / alone.p99_alive
    return (
        Row("failed", f"predictions failed, of {alone.requests:,}", alone.failed, "", "0", met=alone.failed == 0),
        Row("rate", "load with everything there", alone.rate_alive, "requests/s"),
        Row("rate-alone", "load alone", alone.rate_alone, "requests/s"),
        Row("before", f"p99 with everything there, {minutes / 2:g} min before", 1000 * alone.p99_before, "ms"),
        Row("after", f"p99 with everything there, {minutes / 2:g} min after", 1000 * alone.p99_after, "ms"),
        Row("alive", "p99 of both together", 1000 * alone.p99_alive, "ms"),
        Row("alone", f"p99 in {minutes:g} min alone", 1000 * alone.p99_alone, "ms"),
        Row("ratio", "p99 alone, of both together", ratio, "", f"<= {P99_RATIO_MAX}", met=ratio <= P99_RATIO_MAX),
    )


def _cold_rows(python: float, imports: float, onnx: float) -> Sequence[Row]:
    goal = COLD_SECONDS + imports
    what = f"the slowest of {COLD_STARTS} cold starts, all else dead"
    return (
        Row("imports", "importing the Python model's environment by hand", imports, "s"),
        Row("cold-python", f"Python model: {what}", python, "s", f"<= {goal:.2f} s", met=python <= goal),
        Row("cold-onnx", f"ONNX model: {what}", onnx, "s", f"<= {COLD_SECONDS} s", met=onnx <= COLD_SECONDS),
    )


if __name__ == "__main__":
    sys.exit(main())
