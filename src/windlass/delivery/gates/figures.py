"""Numbers as people read them: the unit decides how many digits mean something."""

import math

POINTS = 100  # a difference of 0.01 between two shares is one point
CLOSE_ENOUGH = 1.1  # the shown error rate may be a tenth larger than the real one; then more digits say nothing


def figure(value: float | None, unit: str) -> str:
    """A measured value in its unit; `unknown` where there is none.

    Units: share (0 to 1), percent (0 to 1, shown as per cent), seconds, bytes, rows, number.

    >>> figure(0.73149, "share"), figure(0.0123, "percent"), figure(0.25, "seconds"), figure(3 * 2**20, "bytes")
    ('0.7315', '1.23 %', '250 ms', '3.0 MiB')
    """
    if value is None:
        return "unknown"
    match unit:
        case "share":
            return f"{value:.4f}"
        case "percent":
            return f"{value:.2%}".replace("%", " %")
        case "seconds":
            return f"{value:.2f} s" if value >= 10 else f"{value * 1000:.4g} ms"
        case "bytes":
            return f"{value / 2**20:,.1f} MiB"
        case "rows":
            return f"{value:,.0f}"
        case _:
            return f"{value:.4g}"


def distance(value: float, unit: str) -> str:
    """The size of a difference, without its sign: shares differ by points.

    >>> distance(-0.0063, "share"), distance(0.31, "number")
    ('0.63 points', '0.31')
    """
    if unit == "share":
        return f"{abs(value) * POINTS:.2f} points"
    return figure(abs(value), unit)


def rounded(count: int) -> str:
    """A count that is only known roughly: two digits, upwards.

    >>> rounded(87), rounded(12_966)
    ('87', '13,000')
    """
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{math.ceil(count / step) * step:,}"


def confidence(alpha: float) -> str:
    """One-sided confidence in per cent, rounded down so that it never claims more than it has.

    >>> confidence(0.05), confidence(0.0304), confidence(0.000076)
    ('95 %', '96.9 %', '99.992 %')
    """
    digits = 0
    while _claimed(alpha, digits) < 1 - alpha * CLOSE_ENOUGH:
        digits += 1
    return f"{_claimed(alpha, digits) * 100:.{digits}f} %"


def _claimed(alpha: float, digits: int) -> float:
    steps = 10.0 ** (digits + 2)
    return math.floor((1 - alpha) * steps + 1e-6) / steps
