"""Quantities as people write them: `5%`, `1pp`, `1h30m`, `512Mi`, `200/s`. Each has one spelling, and no unit is
guessed.

Every function takes a value of a YAML file or the text of a command-line flag, and returns a number in the base unit of
its kind. A wrong value raises ValueError whose message says, in words, what to write instead.
"""

import math
import re
from dataclasses import dataclass

from windlass.kernel.errors import clip

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_PLAIN = re.compile(_NUMBER)
_PER_CENT = re.compile(rf"({_NUMBER})%")
_POINTS = re.compile(rf"({_NUMBER})pp")
_RELATIVE = re.compile(rf"({_NUMBER})% relative")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|[smhdw]))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|[smhdw])")
_SIZE = re.compile(rf"({_NUMBER})([KMGT]i?)")
_RATE = re.compile(rf"({_NUMBER})/(s|min|h|day|week|month)")

_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_PERIOD_SECONDS = {"s": 1, "min": 60, "h": 3_600, "day": 86_400, "week": 604_800, "month": 2_592_000}  # 30 days


@dataclass(frozen=True, slots=True)
class Difference:
    """How far apart two numbers may be: in absolute terms, or as a part of the reference where `relative` is true."""

    size: float
    relative: bool = False


def share(value: object) -> float:
    """A share or probability, `5%` or `0.05`, as a number from 0 to 1.

    Raises:
        ValueError: it is neither, or it lies outside 0 to 100 %.
    """
    written = written_as(value)
    if found := _PER_CENT.fullmatch(written):
        number = float(found[1]) / 100
    elif "." in written and _PLAIN.fullmatch(written):
        number = float(written)
    elif _PLAIN.fullmatch(written):
        raise ValueError(f"{written} can be read in two ways; write {written}% or {_plain(float(written) / 100)}")
    else:
        raise ValueError(f'"{clip(written)}" is not a share; write it like 5% or 0.05')
    if number > 1:
        raise ValueError(f'"{written}" is more than 100%; write a share from 0% to 100%')
    return number


def difference(value: object) -> Difference:
    """A difference of two shares or scores: `0.01`, `1pp` (points) or `1% relative`.

    Raises:
        ValueError: it is none of these; a bare `1%` can be read in two ways.
    """
    written = written_as(value)
    if found := _POINTS.fullmatch(written):
        return Difference(float(found[1]) / 100)
    if found := _RELATIVE.fullmatch(written):
        return Difference(float(found[1]) / 100, relative=True)
    if found := _PER_CENT.fullmatch(written):
        raise ValueError(f'"{written}" can be read in two ways; write "{found[1]}pp" (points) or "{written} relative"')
    if _PLAIN.fullmatch(written):
        return Difference(float(written))
    raise ValueError(f'"{clip(written)}" is not a difference; write it like 0.01, 1pp or 1% relative')


def duration(value: object) -> float:
    """A length of time such as `10ms`, `30s` or `1h30m`, in seconds.

    Raises:
        ValueError: the unit is missing or unknown, or the parts do not go from the largest unit to the smallest.
    """
    written = written_as(value)
    if _PLAIN.fullmatch(written):
        raise ValueError(f"{written} has no unit; write {written}s, {written}m or {written}h")
    parts = _DURATION_PART.findall(written) if _DURATION.fullmatch(written) else []
    units = [unit for _, unit in parts]
    if not parts or units != [unit for unit in _SECONDS if unit in units]:
        raise ValueError(f'"{clip(written)}" is not a duration; write it like 10ms, 30s, 5m, 2h, 1d, 1w or 1h30m')
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)


def size(value: object) -> int:
    """An amount of memory or disk such as `512Mi` (powers of 1024) or `2G` (powers of 1000), in bytes.

    Raises:
        ValueError: the unit is missing or is not one of these.
    """
    written = written_as(value)
    if found := _SIZE.fullmatch(written):
        return round(float(found[1]) * _BYTES[found[2]])
    if _PLAIN.fullmatch(written):
        raise ValueError(f"{written} has no unit; write {written}Mi or {written}Gi")
    if found := re.fullmatch(rf"({_NUMBER}) ?([kmgtKMGT])[iI]?[bB]?", written):
        number, unit = found[1], found[2].upper()
        raise ValueError(
            f'"{written}" is not a size; write {number}{unit} (powers of 1000) or {number}{unit}i (powers of 1024)'
        )
    raise ValueError(f'"{clip(written)}" is not a size; write it like 512Mi, 2Gi or 2G')


def rate(value: object) -> float:
    """How often something happens, such as `200/s` or `20/month` (30 days), as a number per second.

    Raises:
        ValueError: the period is missing or unknown.
    """
    written = written_as(value)
    if found := _RATE.fullmatch(written):
        return float(found[1]) / _PERIOD_SECONDS[found[2]]
    raise ValueError(f'"{clip(written)}" is not a rate; write it like 200/s, 30/min, 5/h, 20/day or 20/month')


def written_as(value: object) -> str:
    """A value of a YAML file as it stood there: the text itself, or the number or word that it was read as."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _plain(value)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)


def _plain(number: float) -> str:
    """The number without an exponent, since `5e-05` is not what anybody wrote."""
    text = repr(number)
    if "e" not in text or not math.isfinite(number):
        return text
    return f"{number:.12f}".rstrip("0") if abs(number) < 1 else text
