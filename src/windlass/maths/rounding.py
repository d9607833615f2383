"""Rounding before comparing or storing.

The last bits of `log` and `exp` differ between processors. A number that is compared with a threshold, stored or
replayed is rounded first, so that the same counts give the same verdict everywhere.
"""

DIGITS = 10  # far below what evidence can resolve, far above what processors differ by


def round10(value: float) -> float:
    """The value with ten significant digits; infinities stay, NaN is an error.

    Raises:
        ValueError: the value is not a number.

    >>> round10(2 / 3)
    0.6666666667
    """
    if value != value:
        raise ValueError("a statistic is not a number (NaN)")
    return float(f"{value:.{DIGITS - 1}e}")
