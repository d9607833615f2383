"""`python -m bench.evidence`: error rates and speed of rollouts and gates, with their goals."""

import sys
import time
from collections.abc import Iterator

import numpy as np

from bench.evidence.gates import auc_errs, betting_passes, tango_passes
from bench.evidence.peers import ARGO_TUNED, FLAGGER_TUNED, NEVER, Rule, minutes_until_back, z_test
from bench.evidence.rollouts import DEFAULT_LIMIT, Ended, simulate, two_stages
from bench.evidence.worlds import World
from bench.report import Row, publish
from windlass.delivery.rollouts.evidence import weigh
from windlass.delivery.rollouts.types import Move
from windlass.maths.proportions import proportion_lower, proportion_upper
from windlass.maths.waiting import clean_requests

SEED = 20_261
EQUAL_RUNS = 2_000
HARM_RUNS = 1_000
OTHER_RUNS = 100
COLD_RUNS = 400
PEER_HOURS = 3
LOOKS = 50
AUC_RUNS = 100
EQUAL = World("equal releases, 1 % errors")
COLD = World("equal, but the canary 8 % slower", slower=1.08)
DOUBLED = World("errors 1 -> 2 %", errors_canary=0.02)
OTHERS = (
    World("errors 0.1 -> 1.1 %", errors_control=0.001, errors_canary=0.011),
    World("errors 5 -> 6 %", errors_control=0.05, errors_canary=0.06),
    World("errors 1 -> 10 %", errors_canary=0.1),
    World("errors 1 -> 100 %", errors_canary=1.0),
    World("latency x1.5", slower=1.5),
    World("latency x1.3", slower=1.3),
    World("2 % of calls 400 ms later", tail=0.02),
)
RULES: tuple[tuple[str, Rule], ...] = (
    ("z-test each minute", z_test),
    ("Argo tuned to 98.5 %", ARGO_TUNED),
    ("Flagger tuned to 98 %", FLAGGER_TUNED),
)


def main() -> int:
    """Measure all and publish."""
    return publish("evidence", [*_equal(), *_doubled(), *_others(), *_waiting(), *_gates()])


def _equal() -> Iterator[Row]:
    others = ", ".join(f"{name} {_peer_false(rule):.1%} in {PEER_HOURS} h" for name, rule in RULES)
    for which, world, runs, peer in (("1", EQUAL, EQUAL_RUNS, others), ("1b", COLD, COLD_RUNS, "")):
        ended = simulate(world, runs)
        back = sum(one.move is Move.BACK for one in ended)
        bound = proportion_upper(back, runs, 0.01)
        what = f"rolled back: {world.name}, {runs:,} rollouts"
        yield Row(which, what, back / runs * 100, "%", "<= 1 %", peer, proportion_lower(back, runs, 0.01) <= 0.01)
        if runs >= EQUAL_RUNS:
            yield Row(which, "  upper 99 % bound of that", bound * 100, "%", "<= 1 %", "", bound <= 0.01)
        yield Row(which, "  promoted", 100 * _share(ended, Move.PROMOTE), "%")


def _doubled() -> Iterator[Row]:
    ended = simulate(DOUBLED, HARM_RUNS)
    requests = _canary_requests(ended)
    others = ", ".join(f"{name} {_peer_requests(rule)}" for name, rule in RULES)
    p50, p90 = np.quantile(requests, [0.5, 0.9])
    what = f"canary requests until back: {DOUBLED.name}, 5 % share, {HARM_RUNS:,} rollouts"
    yield Row("2", what, float(p50), "p50", "<= 1,500", others, bool(p50 <= 1_500))
    yield Row("2, p90", "  slowest tenth", float(p90), "p90")


def _others() -> Iterator[Row]:
    for world in OTHERS:
        ended = simulate(world, OTHER_RUNS)
        p50 = float(np.median(_canary_requests(ended)))
        yield Row("2b" if "errors" in world.name else "6", f"canary requests until back: {world.name}", p50, "p50")


def _waiting() -> Iterator[Row]:
    clean = clean_requests(DEFAULT_LIMIT.bound)
    what = "canary requests until an error-free canary advances"
    yield Row("7", what, clean, "requests", "<= 560", "", clean <= 560)
    stages = two_stages()
    began = time.process_time()
    for _ in range(LOOKS):
        weigh(stages, [DEFAULT_LIMIT])
    spent = (time.process_time() - began) / LOOKS * 1e3
    yield Row("13", "processor time of one look at a rollout of two steps", spent, "ms")


def _gates() -> Iterator[Row]:
    yield _errs("wrong pass at a margin of 1 pp, 3,709 rows, Tango", tango_passes(0.01, 20_000, SEED), 20_000, 0.061)
    yield Row("11", "  pass of an equal candidate, Tango", tango_passes(0.0, 20_000, SEED) * 100, "%")
    yield _errs("wrong pass at a margin of 1 pp, exact wager", betting_passes(0.01, 600, SEED), 600, 0.05)
    yield Row("11", "  pass of an equal candidate, exact wager", betting_passes(0.0, 600, SEED) * 100, "%")
    for positives, area in ((20, 0.98), (20, 0.9), (50, 0.98)):
        ours, delong = auc_errs(positives, area, AUC_RUNS, SEED)
        what = f"lower AUC bound above the truth, {positives} positives, AUC {area}"
        yield _errs(what, ours, AUC_RUNS, 0.05, f"DeLong {delong:.1%}")


def _errs(what: str, share: float, runs: int, limit: float, peer: str = "") -> Row:
    """An error rate; its goal is missed where the runs show, at 99 %, that it is above the limit."""
    met = proportion_lower(round(share * runs), runs, 0.01) <= limit
    return Row("11", f"{what}, {runs:,} holdouts", share * 100, "%", f"<= {limit:.1%}", peer, met)


def _canary_requests(ended: list[Ended]) -> list[float]:
    return [one.canary_requests if one.move is Move.BACK else np.inf for one in ended]


def _share(ended: list[Ended], move: Move) -> float:
    return sum(one.move is move for one in ended) / len(ended)


def _peer_false(rule: Rule) -> float:
    return float(np.mean(minutes_until_back(rule, EQUAL, 2_000, 60 * PEER_HOURS, SEED) < NEVER))


def _peer_requests(rule: Rule) -> str:
    minutes = float(np.median(minutes_until_back(rule, DOUBLED, 2_000, 60 * PEER_HOURS, SEED)))
    return f"{minutes * 60 * EQUAL.requests_per_second * EQUAL.shares[0]:,.0f}" if minutes < NEVER else "never"


if __name__ == "__main__":
    sys.exit(main())
