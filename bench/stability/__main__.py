"""`make bench-stability`: the control plane, its database and the repository are gone for ten minutes under load.

STABILITY_SECONDS changes how long; the latencies before are measured for a fifth of that time.
"""

import os
import sys

from bench.report import Row, publish
from tests.end_to_end.kit import GOOD, windlass
from tests.machine.stability import cold_seconds, import_seconds, left_alone
from tests.machine.towns import PATIENT, live

ALONE_SECONDS = float(os.environ.get("STABILITY_SECONDS", "600"))
P99_RATIO_MAX = 1.05
COLD_SECONDS = 2.0  # beyond the imports of the model's environment


def main() -> int:
    """Measure and publish; 0 where every goal was met."""
    with windlass() as one:
        first = one.commit("v0", GOOD, PATIENT)
        one.up()
        release = live(one, first)["live"]["release"]
        alone = left_alone(one, ALONE_SECONDS / 5, ALONE_SECONDS)
        cold = min(cold_seconds(one) for _ in range(3))
        imports = import_seconds(one, release)
    ratio = alone.p99_after / alone.p99_before
    goal = COLD_SECONDS + imports
    rows = [
        Row("failed", f"predictions failed, of {alone.requests:,}", alone.failed, "", "0", met=alone.failed == 0),
        Row("before", "p99 with everything there", 1000 * alone.p99_before, "ms"),
        Row("alone", f"p99 in {ALONE_SECONDS:.0f} s alone", 1000 * alone.p99_after, "ms"),
        Row("ratio", "p99 alone, of p99 before", ratio, "", f"<= {P99_RATIO_MAX}", met=ratio <= P99_RATIO_MAX),
        Row("imports", "importing the model's environment by hand", imports, "s"),
        Row("cold", "cold start of the site, all else dead", cold, "s", f"<= {goal:.2f} s", met=cold <= goal),
    ]
    return publish("stability", rows)


if __name__ == "__main__":
    sys.exit(main())
