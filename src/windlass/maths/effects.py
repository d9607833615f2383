"""The effects that a wager bets on, and how much it puts on each.

A harm may be ten per cent or fortyfold, and nobody says which beforehand. The wager therefore splits its money over
eighteen ratios, log-spaced from 1.1 to 40, more on the small ones because only they need long series. The mixture is
taken after the product over stages, so that an effect that shows early keeps its gains.

A declared smallest harmful effect gets half of the money: a user who says "twice as many errors is what I mind" is
served about a tenth sooner, and the other half still finds what was not foreseen.
"""

from dataclasses import dataclass

import numpy as np

from windlass.maths.counts import FloatArray, inside

RATIO_LOW = 1.1
RATIO_HIGH = 40.0
RATIOS_NUMBER = 18
LOG_SCALE = 0.7  # ratios within a factor of two of 1 get most of the money
DECLARED_MAX = 1e6


@dataclass(frozen=True, slots=True)
class Effects:
    """Ratios above 1 and the share of the money on each; the shares sum to 1."""

    ratios: FloatArray
    weights: FloatArray


def effects(declared: float | None = None) -> Effects:
    """The standard effects, or with a declared smallest harmful ratio: half on it, half on the standard ones.

    Raises:
        ValueError: `declared` is not above 1.

    >>> len(effects().ratios), len(effects(2.0).ratios)
    (18, 19)
    """
    if declared is None:
        return STANDARD
    ratio = inside("declared", declared, 1.0, DECLARED_MAX)
    return Effects(np.append(STANDARD.ratios, ratio), np.append(STANDARD.weights / 2, 0.5))


def _standard() -> Effects:
    ratios = np.exp(np.linspace(np.log(RATIO_LOW), np.log(RATIO_HIGH), RATIOS_NUMBER))
    weights = 1.0 / (1.0 + (np.log(ratios) / LOG_SCALE) ** 2)
    return Effects(ratios, weights / weights.sum())


STANDARD = _standard()
