"""How simulated releases answer and how often callers call, as people type it: `errors=2%`, `latency=+30%`."""

import math
import re
from dataclasses import dataclass, replace

from windlass.kernel.errors import clip
from windlass.kernel.instants import Instant
from windlass.kernel.quantities import duration, share

DAY_MILLISECONDS = 86_400_000
BUSIEST_HOUR = 15
USUAL_ERRORS = 0.02

HOW = "write errors=2%, latency=+30%, latency=x1.5 or latency=80ms; a comma joins two"
_TIMES = re.compile(r"x([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_MORE = re.compile(r"\+([0-9]{1,6}(?:\.[0-9]{1,6})?)%")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`errors` is the share of requests that fail; `seconds` the median of the durations."""

    errors: float = 0.001
    seconds: float = 0.02

    def is_worse_than(self, other: "Behaviour") -> bool:
        """Whether it fails more often or is slower."""
        return self.errors > other.errors or self.seconds > other.seconds


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many requests a second arrive: `peak` at three in the afternoon, the share `night` of that at three at night,
    and a cosine between. With 1 the traffic is the same all day."""

    peak: float
    night: float = 1.0

    def at(self, now: Instant) -> float:
        """The rate of a moment."""
        turned = 2 * math.pi * (now / DAY_MILLISECONDS - BUSIEST_HOUR / 24)
        return self.peak * (self.night + (1 - self.night) * (1 + math.cos(turned)) / 2)


def read_behaviour(text: str, base: Behaviour) -> Behaviour:
    """What the text says, and the rest as `base` has it.

    Raises:
        ValueError: it cannot be read; the message says what to write.
    """
    found, seen = base, set()
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        if key not in ("errors", "latency") or not value:
            raise ValueError(f'"{clip(part.strip())}" is no behaviour; {HOW}')
        if key in seen:
            raise ValueError(f'"{clip(text)}" says {key} twice; take one out')
        seen.add(key)
        found = replace(found, errors=share(value)) if key == "errors" else replace(found, seconds=_slow(value, base))
    return found


def read_bad(text: str, base: Behaviour) -> Behaviour:
    """What a bad release does: worse than `base` in something.

    Raises:
        ValueError: it cannot be read, or it is no worse.
    """
    found = read_behaviour(text, base)
    if not found.is_worse_than(base):
        than = f"errors={100 * base.errors:.3g}%,latency={1000 * base.seconds:.3g}ms"
        raise ValueError(f'"{clip(text)}" is no worse than the champion ({than}); name something worse, or give --base')
    return found


def usual_bads(base: Behaviour) -> tuple[str, ...]:
    """What people fear most, as text: failures, and slowness.

    >>> usual_bads(Behaviour()), usual_bads(Behaviour(errors=0.05))
    (('errors=2%', 'latency=x1.5'), ('errors=10%', 'latency=x1.5'))
    """
    errors = f"errors={100 * min(1.0, max(USUAL_ERRORS, 2 * base.errors)):g}%"
    return (errors, "latency=x1.5") if base.errors < 1.0 else ("latency=x1.5",)


def _slow(value: str, base: Behaviour) -> float:
    if times := _TIMES.fullmatch(value):
        return base.seconds * float(times[1])
    if more := _MORE.fullmatch(value):
        return base.seconds * (1 + float(more[1]) / 100)
    if (seconds := duration(value)) > 0:
        return seconds
    raise ValueError(f'"{clip(value)}" is no latency; {HOW}')
