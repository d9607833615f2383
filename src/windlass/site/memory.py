"""What an agent must remember over its own death: numbers that only grow, steps whose totals count, what is routed."""

import json
import logging
from dataclasses import dataclass, field, replace

from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.errors import Unavailable
from windlass.kernel.records import from_json, to_json
from windlass.ports.traffic import TrafficWish
from windlass.ports.world import Clock, Disk
from windlass.site.types import NOTHING_ROUTED

BLOCK = 1_000_000  # numbers are reserved in blocks that last for days, so that a settled site writes nothing
TENTH_MILLISECONDS = 100  # a site uses a few numbers a second, so later starts are ahead of earlier ones
STEPS_MAX = 24  # per service: no rollout has more

log = logging.getLogger("windlass.site")


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step of a service, and the salt of the rollout that it belongs to."""

    salt: str
    step: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """The content of `state.json`: `reserved` is above every number that was ever used."""

    reserved: int = 0
    steps: dict[str, tuple[StepSeen, ...]] = field(default_factory=dict)
    routed: TrafficWish = NOTHING_ROUTED


class Memory:
    """The agent's own state, stored when it changes."""

    def __init__(self, disk: Disk, clock: Clock, folder: str) -> None:
        self._disk = disk
        self._clock = clock
        self._path = f"{folder}/state.json"
        self._state = Remembered()
        self._next = 0
        self._is_dirty = False

    async def open(self) -> None:
        """Read the state; without one, nothing is known to be routed. Numbers begin above the clock's, and above what
        was reserved by a little more each tenth of a second: a state that was lost, or never stored, must not let a
        number come again, however often the agent starts on a full disk."""
        data = await self._disk.read(self._path)
        try:
            self._state = from_json(Remembered, json.loads(data)) if data else Remembered()
        except ValueError:
            self._state = Remembered()
        self._next = max(self._state.reserved + self._clock.now() // TENTH_MILLISECONDS, self._clock.now())

    @property
    def routed(self) -> TrafficWish:
        """What the gateway ran when it was last confirmed."""
        return self._state.routed

    async def number(self) -> int:
        """A number above all that this site ever used. Where none can be reserved, the clock gives one."""
        if self._next >= self._state.reserved:
            await self._change(replace(self._state, reserved=self._next + BLOCK))
        self._next = max(self._next + 1, self._clock.now() if self._is_dirty else 0)
        return self._next

    @property
    def steps(self) -> frozenset[str]:
        """The steps (`<service>/<step id>`) whose totals count: of the rollout under way and of the one before."""
        return frozenset(f"{service}/{one.step}" for service, seen in self._state.steps.items() for one in seen)

    async def remember_routed(self, routed: TrafficWish) -> None:
        """Keep what the gateway runs, and the steps it belongs to: one that was routed for a moment counts as well."""
        known = self._state.steps
        steps = {piece.service: _extended(known.get(piece.service, ()), piece) for piece in routed.services}
        if (routed, steps) != (self._state.routed, known):
            await self._change(replace(self._state, routed=routed, steps=steps))

    async def save(self) -> None:
        """Store what could not be stored when it changed.

        Raises:
            Unavailable: the disk is still full or fails.
        """
        if self._is_dirty:
            await self._disk.write(self._path, json.dumps(to_json(self._state)).encode())
            self._is_dirty = False

    async def _change(self, state: Remembered) -> None:
        """A full disk must not keep a site from going back, so the change is in force before it is stored."""
        self._state = state
        was_dirty, self._is_dirty = self._is_dirty, True
        try:
            await self.save()
        except Unavailable as error:  # the next pass tries again, and the report says so while it fails
            if not was_dirty:
                log.warning("state_not_stored: %s", error)


def generation_of(wish: TrafficWish) -> int:
    """The generation of the plan by which a wish was made; 0 where nothing was routed."""
    first = wish.version.partition(".")[0]
    return int(first) if first.isdecimal() else 0


def _extended(seen: tuple[StepSeen, ...], piece: ServiceSlice) -> tuple[StepSeen, ...]:
    current = StepSeen(piece.salt, piece.step_id)
    if current in seen:
        return seen
    salts = list(dict.fromkeys(one.salt for one in seen if one.salt != piece.salt))
    kept = {piece.salt, *salts[-1:]}
    return (*(one for one in seen if one.salt in kept), current)[-STEPS_MAX:]
