"""How many more requests a wager needs: an estimate for people, never part of a verdict.

A wager's logarithm grows along its best component. Its growth for each request at the rates seen so far, and the
distance to the threshold, give the requests still needed.
"""

import math

import numpy as np

from windlass.maths.counts import at_least_one, inside
from windlass.maths.effects import STANDARD
from windlass.maths.wagers import RATIO_NI, limit_log_e, limit_logs

REQUESTS_MAX = 10**12


def harm_growth(rate_canary: float, rate_control: float, share: float, ratio_null: float = 1.0) -> float:
    """Log-evidence of harm for each request, canary and control together, at these event rates."""
    return _best_growth((rate_canary, rate_control), share, ratio_null, up=True)


def safety_growth(rate_canary: float, rate_control: float, share: float, ratio_ni: float = RATIO_NI) -> float:
    """Log-evidence of safety for each request, canary and control together, at these event rates."""
    return _best_growth((rate_canary, rate_control), share, ratio_ni, up=False)


def requests_needed(log_e: float, threshold: float, growth: float) -> int | None:
    """The requests still needed to reach `threshold` (an e-value, 20 or 100); None if evidence does not grow.

    Raises:
        ValueError: the threshold is below 1, or a value is NaN.

    >>> requests_needed(0.0, 20.0, 0.0064)
    469
    """
    missing = math.log(at_least_one("threshold", threshold)) - log_e
    if math.isnan(missing) or math.isnan(growth):
        raise ValueError(f"log_e and growth must be numbers, got {log_e!r} and {growth!r}")
    if missing <= 0.0:
        return 0
    if growth <= 0.0 or missing / growth > REQUESTS_MAX:
        return None
    return math.ceil(missing / growth)


def clean_requests(p_ok: float, threshold: float = 20.0) -> int:
    """The canary requests after which an error-free canary is shown safe.

    The safety evidence is the mean of a ratio wager, worth 1 without events, and the wager on the limit `p_ok`.

    Raises:
        ValueError: the limit is outside (0, 1) or below what 10^12 requests can show.

    >>> clean_requests(0.01)
    555
    """
    needed = limit_requests_needed((0, 0), p_ok, 0.0, threshold)
    if needed is None:
        raise ValueError(f"p_ok: no number of requests up to 10^12 shows a rate below {p_ok!r}")
    return needed


def limit_requests_needed(
    counted: tuple[int, int], p_ok: float, beside_log_e: float, threshold: float = 20.0
) -> int | None:
    """The canary requests still needed to show a limit kept, if they are bad as often as those counted so far.

    The evidence is the mean of the wager on the limit `p_ok` and of another, whose logarithm is taken to stay at
    `beside_log_e`. None if so many bad ones never show it, or only after 10^12 requests.

    Args:
        counted: the bad requests and all requests so far.

    Raises:
        ValueError: the limit is outside (0, 1), or the threshold below 1.

    >>> limit_requests_needed((0, 100), 0.01, 0.0)
    455
    """
    bad, requests = counted
    share = bad / requests if requests else 0.0
    both = 2.0 * at_least_one("threshold", threshold)
    if beside_log_e >= math.log(both):
        return 0
    wanted = math.log(both - math.exp(beside_log_e))
    if limit_log_e(bad, requests, p_ok) >= wanted:
        return 0
    enough = math.exp(wanted)

    def shows(total: int) -> bool:
        logs = limit_logs(round(share * total), total, p_ok)
        return max(logs) >= wanted or math.fsum(map(math.exp, logs)) >= enough

    low, high = requests, max(1, 2 * requests)
    while not shows(high):
        low, high = high, 2 * high
        if high > REQUESTS_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high - requests


def _best_growth(rates: tuple[float, float], share: float, null: float, *, up: bool) -> float:
    canary, control = (_rate(rate) for rate in rates)
    scaled = inside("share", share, 0.0, 1.0) * inside("ratio", null, 0.0, math.inf)
    tilts = STANDARD.ratios if up else 1.0 / STANDARD.ratios
    on_control = -np.log1p(scaled * (tilts - 1.0) / (scaled + 1.0 - share))
    on_canary = np.log(tilts) + on_control
    return float(np.max(share * canary * on_canary + (1.0 - share) * control * on_control))


def _rate(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"a rate lies between 0 and 1, got {value!r}")
    return value
