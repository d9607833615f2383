"""How fast evidence comes, and where a rollout begins that few callers would keep waiting.

An error-free canary is shown safe after some hundred requests. Where the first of the default steps would gather them
in more than a day, the rollout begins with half of the traffic: nobody watches a step that long, and at such rates half
of the traffic is a handful of callers too. Other steps than the default ones are taken as they are.
"""

from collections.abc import Sequence

from windlass.delivery.rollouts.types import FewRequests, Limits
from windlass.delivery.sources.types import LimitSpec, RolloutSpec

FIRST_SECONDS_MAX = 86_400.0  # the time limit of a rollout: a first step beyond it never ends by itself
OBSERVED_SECONDS_MIN = 3_600.0  # a shorter look would take the pause between two commits for silence
FIRST_SHARE = 0.5  # equal arms: no other split is decided sooner


def rate_seen(requests: int, seconds: float) -> float | None:
    """Requests per second of a service; None where it was not watched for long enough to say."""
    return requests / seconds if seconds >= OBSERVED_SECONDS_MIN else None


def requests_needed(limits: Sequence[LimitSpec]) -> int:
    """How many requests an error-free candidate answers before it is shown safe."""
    from windlass.maths.waiting import clean_requests

    bound = min((limit.bound for limit in limits if limit.family == "errors"), default=0.01)
    return clean_requests(bound, Limits().safety_e_min)


def few_requests(rollout: RolloutSpec, rate_per_second: float | None) -> FewRequests | None:
    """Why a rollout begins with half of the traffic; None where it begins as its file says."""
    first = rollout.steps[0]
    if rate_per_second is None or rollout.steps != RolloutSpec().steps:
        return None
    arrives = rate_per_second * first
    seconds = requests_needed(rollout.limits) / arrives if arrives > 0 else float("inf")
    return FewRequests(rate_per_second, first, seconds, FIRST_SHARE) if seconds > FIRST_SECONDS_MAX else None


def shares_of(rollout: RolloutSpec, few: FewRequests | None) -> tuple[float, ...]:
    """The shares that a rollout takes, one after another."""
    return rollout.steps if few is None else tuple(share for share in rollout.steps if share >= FIRST_SHARE)
