"""A failing day made small: happenings are left out while the same sentence still breaks."""

from collections.abc import Callable

from windlass.sim.days import STORM_SECONDS, drawn, live_through

RUNS_MAX = 200  # a day takes seconds: what is still long after so many runs is read as it is


async def shrunk(seed: int, tell: Callable[[str], None], seconds: int = STORM_SECONDS) -> tuple[int, ...]:
    """The positions of the happenings without which the day would not fail; those of all where it does not fail.

    Halves are tried first, then quarters, and so on (delta debugging: Zeller and Hildebrandt 2002, IEEE TSE 28(2)).
    """
    kept = list(range(len(drawn(seed, seconds))))
    wanted = _sentence((await live_through(seed, kept, seconds)).broken)
    if not wanted:
        return tuple(kept)
    size, runs = max(1, len(kept) // 2), 0
    while runs < RUNS_MAX:
        smaller = False
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            runs += 1
            if _sentence((await live_through(seed, rest, seconds)).broken) == wanted:
                kept, smaller = rest, True
                tell(f"{len(kept)} happenings are enough")
                break
        if not smaller and size == 1:
            break
        size = size if smaller else max(1, size // 2)
    return tuple(kept)


def _sentence(broken: list[str]) -> str:
    """The promise that broke, without its second and its details."""
    if not broken:
        return ""
    words = broken[0].partition(": ")[2] if broken[0].startswith("second ") else broken[0]
    return words.partition(":")[0]
