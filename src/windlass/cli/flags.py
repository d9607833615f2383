"""Types of flags: quantities as people write them in `windlass.yaml`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from windlass.kernel import quantities
from windlass.kernel.instants import Instant


class Quantity(click.ParamType[float]):
    """A quantity with its unit, read by one of `kernel/quantities.py`."""

    def __init__(self, name: str, read: Callable[[object], float]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number in the base unit; a wrong one says what to write."""
        try:
            return self._read(value) if isinstance(value, str) else float(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Until(click.ParamType[Instant]):
    """A moment: ISO 8601 with a zone, or how long from now (`2h`)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Instant:
        """The instant, which must lie ahead."""
        now = datetime.now(UTC)
        try:
            seconds = quantities.duration(value)
        except ValueError:
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                self.fail(f'"{value}" is no time; write 2026-12-24T18:00+01:00, or a duration like 2h', param, ctx)
            if at.tzinfo is None:
                self.fail(f'"{value}" has no zone; write {value}Z, or {value}+01:00', param, ctx)
            seconds = (at - now).total_seconds()
        if seconds <= 0:
            self.fail(f'"{value}" is over already', param, ctx)
        return Instant(round((now.timestamp() + seconds) * 1000))


DURATION = Quantity("duration", quantities.duration)
RATE = Quantity("rate", quantities.rate)
UNTIL = Until()
