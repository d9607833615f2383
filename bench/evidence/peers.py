"""What common practice does with the same traffic, from its published rules.

Each rule sees errors per minute of canary and control, and says after which minute it rolls back.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bench.evidence.worlds import Counts, World

Minutes = npt.NDArray[np.int64]
Rule = Callable[[Counts, Counts, tuple[int, int]], npt.NDArray[np.bool_]]

NEVER = 10**9
Z_TWO_SIDED_1_PER_CENT = 2.5758293


def minutes_until_back(rule: Rule, world: World, runs: int, minutes: int, seed: int) -> Minutes:
    """The minute of the rollback in each run, `NEVER` if there is none."""
    chance = np.random.default_rng(seed)
    canary = round(60 * world.requests_per_second * world.shares[0])
    control = 60 * world.requests_per_second - canary
    bad_canary = chance.binomial(canary, world.errors_canary, (runs, minutes))
    bad_control = chance.binomial(control, world.errors_control, (runs, minutes))
    back = rule(bad_canary, bad_control, (canary, control))
    return np.where(back.any(axis=1), back.argmax(axis=1) + 1, NEVER)


def z_test(bad_canary: Counts, bad_control: Counts, requests: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """A pooled two-sided z-test at 1 % on all counts so far, looked at every minute."""
    minute = np.arange(1, bad_canary.shape[1] + 1)
    n_c, n_b = requests[0] * minute, requests[1] * minute
    x_c, x_b = bad_canary.cumsum(axis=1), bad_control.cumsum(axis=1)
    pooled = np.maximum((x_c + x_b) / (n_c + n_b), 1e-12)
    z = (x_c / n_c - x_b / n_b) / np.sqrt(pooled * (1.0 - pooled) * (1.0 / n_c + 1.0 / n_b))
    return np.asarray(z > Z_TWO_SIDED_1_PER_CENT, dtype=np.bool_)


def success_rate(lowest: float, window: int, failures: int) -> Rule:
    """Roll back at the n-th window whose success rate is below a fixed number, as Argo Rollouts and Flagger do."""

    def rule(bad_canary: Counts, _: Counts, requests: tuple[int, int]) -> npt.NDArray[np.bool_]:
        runs, minutes = bad_canary.shape
        windows = bad_canary[:, : minutes // window * window].reshape(runs, -1, window).sum(axis=2)
        failed = (1.0 - windows / (requests[0] * window) < lowest).cumsum(axis=1) >= failures
        return np.asarray(np.repeat(failed, window, axis=1), dtype=np.bool_)

    return rule


ARGO_TUNED = success_rate(0.985, window=5, failures=4)
FLAGGER_TUNED = success_rate(0.98, window=1, failures=5)
