"""How the money of the harm wager is split over families of metrics.

Families are joined by an average with weights fixed before the rollout, so their number never raises the error rate;
the split only decides who is found sooner. `docs/decisions/0002-harm-stakes.md` argues the default.
"""

from collections.abc import Iterable, Mapping

HARM_STAKES: Mapping[str, float] = {"errors": 0.8, "latency": 0.2}


def harm_stakes(families: Iterable[str], stakes: Mapping[str, float] = HARM_STAKES) -> dict[str, float]:
    """The stakes of the families in use, scaled to sum 1, sorted by name.

    Raises:
        ValueError: no family, or one without a stake.

    >>> harm_stakes(["errors"])
    {'errors': 1.0}
    """
    used = sorted(set(families))
    unknown = [family for family in used if family not in stakes]
    if unknown or not used:
        raise ValueError(f"no stake for {', '.join(unknown)}" if unknown else "a harm wager needs at least one family")
    total = sum(stakes[family] for family in used)
    return {family: stakes[family] / total for family in used}
