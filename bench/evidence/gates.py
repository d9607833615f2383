"""The gate's methods at their margin: how often they pass what they should not, and what should."""

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy.special import expit, logit, ndtri

from windlass.maths.auc import Draw, auc_bounds
from windlass.maths.betting import mean_below_log_e
from windlass.maths.proportions import tango_score

ROWS = 3_709
MARGIN = 0.01
DISCORDANT = 0.06
Z_5_PER_CENT = -1.6448536269514722
WORKERS = 2


def tango_passes(difference: float, runs: int, seed: int) -> float:
    """The share of holdouts that pass a margin of one point by Tango's bound."""
    counts = np.random.default_rng(seed).multinomial(ROWS, _cells(difference), runs).tolist()
    return float(np.mean([tango_score(worse, better, ROWS, MARGIN) < Z_5_PER_CENT for worse, better, _ in counts]))


def betting_passes(difference: float, runs: int, seed: int) -> float:
    """The share of holdouts that pass a margin of one point by the exact wager."""
    return _share(partial(_betting_passes_once, difference, seed), runs)


def _betting_passes_once(difference: float, seed: int, run: int) -> bool:
    rows = np.random.default_rng([seed, run]).choice([1.0, -1.0, 0.0], ROWS, p=_cells(difference))
    return mean_below_log_e(rows, MARGIN) >= math.log(20.0)


def auc_errs(positives: int, area: float, runs: int, seed: int) -> tuple[float, float]:
    """The shares of holdouts whose lower AUC bound at 5 % is above the truth: ours, and DeLong's on the logit scale."""
    with ProcessPoolExecutor(WORKERS) as pool:
        found = list(pool.map(partial(_auc_errs_once, positives, area, seed), range(runs), chunksize=10))
    return sum(ours for ours, _ in found) / runs, sum(delong for _, delong in found) / runs


def _auc_errs_once(positives: int, area: float, seed: int, run: int) -> tuple[bool, bool]:
    chance = np.random.default_rng([seed, run])
    labels = np.repeat([1, 0], [positives, 5 * positives])
    scores = chance.normal(size=len(labels)) + math.sqrt(2.0) * float(ndtri(area)) * labels
    wins = scores[labels == 1][:, None] > scores[labels == 0][None, :]
    found = float(wins.mean())
    error = math.sqrt(wins.mean(axis=1).var(ddof=1) / positives + wins.mean(axis=0).var(ddof=1) / (5 * positives))
    reach = Z_5_PER_CENT * error / max(found * (1.0 - found), 1e-12)
    delong = found == 1.0 or float(expit(logit(found) + reach)) > area
    return auc_bounds(labels, scores, 0.05, Draw(seed=run)).lower > area, delong


def _cells(difference: float) -> list[float]:
    return [(DISCORDANT + difference) / 2, (DISCORDANT - difference) / 2, 1.0 - DISCORDANT]


def _share(once: Callable[[int], bool], runs: int) -> float:
    with ProcessPoolExecutor(WORKERS) as pool:
        return sum(pool.map(once, range(runs), chunksize=10)) / runs
