"""A plan in words: what changes between two slices of one service."""

from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.digests import short


def diff_in_words(before: ServiceSlice | None, after: ServiceSlice | None) -> tuple[str, ...]:
    """Lines such as `share 5f2a…   5 -> 25 %`; empty where nothing changes that a caller could see."""
    old, new = _shares(before), _shares(after)
    lines = [
        f"share {short(release)}  {old.get(release, 0) / 100:g} -> {new.get(release, 0) / 100:g} %"
        for release in sorted({*old, *new})
        if old.get(release, 0) != new.get(release, 0)
    ]
    banned_before = set(before.banned) if before else set()
    banned_after = set(after.banned) if after else set()
    lines += [f"quarantine {short(release)}" for release in sorted(banned_after - banned_before)]
    lines += [f"lift the quarantine of {short(release)}" for release in sorted(banned_before - banned_after)]
    return tuple(lines)


def _shares(one: ServiceSlice | None) -> dict[str, int]:
    return {route.release: route.weight for route in one.routes} if one else {}
