"""The normal quantile, for everything asymptotic."""

from statistics import NormalDist

from windlass.maths.counts import inside


def normal_quantile(p: float) -> float:
    """The value that a standard normal variable stays below with probability `p`.

    Raises:
        ValueError: `p` is outside (0, 1).

    >>> round(normal_quantile(0.95), 4)
    1.6449
    """
    return NormalDist().inv_cdf(inside("p", p, 0.0, 1.0))
