"""A failing day made small: happenings are left out while the same sentence still breaks."""

import time
from collections.abc import Callable

from windlass.sim.days import lived
from windlass.sim.storms import Storm
from windlass.sim.weather import Day


def shrunk(storm: Storm, tell: Callable[[str], None], seconds_max: float = 600.0) -> Storm:
    """The storm without those of its happenings without which the day fails as well; the same where it does not fail.

    What would have come later never happened. Of the rest halves are tried first, then quarters, and so on (delta
    debugging: Zeller and Hildebrandt 2002, IEEE TSE 28(2)), until `seconds_max` of real time have passed.
    """
    ends = time.monotonic() + seconds_max
    first = lived(storm)
    wanted = sentence_of(first)
    if not wanted:
        return storm
    kept = [at for at, one in enumerate(storm.happenings) if one.second <= first.seconds]
    size = max(1, len(kept) // 2)
    while time.monotonic() < ends:
        smaller = False
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if time.monotonic() < ends and sentence_of(lived(storm.only(rest))) == wanted:
                kept, smaller = rest, True
                tell(f"{len(kept)} happenings are enough")
                break
        if not smaller and size == 1:
            break
        size = size if smaller else max(1, size // 2)
    return storm.only(kept)


def sentence_of(day: Day) -> str:
    """The promise that broke, without its second and its details."""
    if not day.broken:
        return ""
    words = day.broken[0].partition(": ")[2] if day.broken[0].startswith("second ") else day.broken[0]
    return words.partition(":")[0]
