"""Brings replicas and gateway to where the slices want them, one step at a time, each pass from what is seen now."""

from dataclasses import replace

from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.kernel.instants import Instant, later, seconds_between
from windlass.ports.replicas import ReplicaProcess
from windlass.ports.traffic import TrafficWish
from windlass.site.decide import decide
from windlass.site.memory import Memory
from windlass.site.types import GATEWAY, NOTHING_ROUTED, History, Orders, SitePorts, SiteView

HEALTHY_SECONDS = 60.0  # a replica that ran so long has left its failures behind
PAUSE_SECONDS_MAX = 30.0
GATEWAY_PAUSE_SECONDS = 1.0
NO_HISTORY = History()
REFUSED_SECONDS = 30.0  # between two tries of what the gateway refused: most of it will be refused again


class Driving:
    """Drives one gateway and its replicas. What it learns stands in its fields until the next pass."""

    def __init__(self, ports: SitePorts, memory: Memory) -> None:
        self._ports = ports
        self._memory = memory
        self._asked: TrafficWish | None = None
        self._decided: tuple[tuple[object, ...], Orders] | None = None  # the last orders and what they were made from
        self._idle_since: dict[tuple[str, str], Instant] = {}
        self._gateway_failures = 0
        self._gateway_retry_at = Instant(0)
        self._refused_at: Instant | None = None  # when the gateway left something out of the wish that it runs
        self.routed = NOTHING_ROUTED
        self.replicas: tuple[ReplicaProcess, ...] = ()
        self.history: dict[str, History] = {}
        self.unready: tuple[str, ...] = ()
        self.stuck: dict[str, str] = {}
        self.is_settled = False  # the gateway runs what was decided last
        self.is_disk_full = False  # the gateway's files could not be written

    def open(self) -> None:
        """Begin from what the gateway ran last."""
        self.routed = self._memory.routed

    async def drive(self, slices: tuple[ServiceSlice, ...], generation: int) -> None:
        """One pass: replicas first, so that their sockets exist before the gateway looks for them."""
        now = self._ports.clock.now()
        await self._look(now)
        orders = self._decide(SiteView(now, slices, self.replicas, self.routed, self.history, self._idle_since))
        self.unready = orders.unready
        for wanted in orders.start:
            await self._ports.replicas.start(wanted)
            old = self.history.get(wanted.name, NO_HISTORY)
            self.history[wanted.name] = replace(old, state="starting", since=now)
        for stop in orders.stop:
            await self._ports.replicas.stop(stop.name, stop.drain_seconds)
        self.is_settled = await self._start_gateway(now) and await self._route(orders, generation)

    def _decide(self, view: SiteView) -> Orders:
        """The orders; where neither a failed replica nor an idle one waits for its time, the same are decided from the
        same."""
        seen = (view.slices, view.replicas, view.routed)
        has_to_wait = view.idle_since or any(one.state == "failed" for one in view.replicas)
        if has_to_wait or self._decided is None or self._decided[0] != seen:
            self._decided = (seen, decide(view))
        return self._decided[1]

    async def _look(self, now: Instant) -> None:
        """See the replicas and note what changed: each failure earns a pause before the next try, twice as long."""
        self.replicas = await self._ports.replicas.look()
        history: dict[str, History] = {}
        for one in self.replicas:
            old = self.history.get(one.name, NO_HISTORY)
            new = old if one.state == old.state else replace(old, state=one.state, since=now)
            if one.state == "failed" and old.state != "failed":
                pause = self._pause_seconds(old.failures)
                new = replace(new, failures=old.failures + 1, retry_at=later(now, seconds=pause))
            if one.state == "ready" and old.failures and seconds_between(new.since, now) >= HEALTHY_SECONDS:
                new = replace(new, failures=0)
            history[one.name] = new
        self.history = history

    def _pause_seconds(self, failures: int) -> float:
        """None after the first failure: its callers are waiting. Then growing, with jitter, so that replicas do not
        all start together."""
        if failures == 0:
            return 0.0
        return min(PAUSE_SECONDS_MAX, 2.0 ** (failures - 1)) * self._ports.chance.uniform(0.7, 1.3)

    async def _start_gateway(self, now: Instant) -> bool:
        if now < self._gateway_retry_at:
            return False
        try:
            await self._ports.traffic.start()
        except (Unavailable, UserMistake) as error:
            self.stuck = {**self.stuck, GATEWAY: str(error)}
            pause = min(PAUSE_SECONDS_MAX, GATEWAY_PAUSE_SECONDS * 2.0**self._gateway_failures)
            self._gateway_failures += 1
            self._gateway_retry_at = later(now, seconds=pause * self._ports.chance.uniform(0.7, 1.3))
            return False
        self._gateway_failures = 0
        self.stuck = {key: words for key, words in self.stuck.items() if key != GATEWAY}
        return True

    async def _route(self, orders: Orders, generation: int) -> bool:
        """Have the gateway carry out the orders, unless it does already; says whether it runs them."""
        asked = self._asked
        is_asked = asked is not None and (asked.services, asked.endpoints) == (orders.services, orders.endpoints)
        if is_asked and not self._may_try_again():
            return True
        wish = TrafficWish(f"{generation}.{await self._memory.number()}", orders.services, orders.endpoints)
        try:
            applied = await self._ports.traffic.apply(wish)
        except Unavailable as error:
            self.stuck = {GATEWAY: str(error)}
            self.is_disk_full = error.code == "disk-full"
            self._asked = None
            return False
        self.stuck = dict(applied.stuck)
        if not applied.confirmed:
            return False
        self._asked = wish
        self._refused_at = self._ports.clock.now() if applied.stuck else None
        before = {piece.service: piece for piece in self.routed.services}
        kept = tuple(
            before.get(piece.service, piece) if piece.service in applied.stuck else piece for piece in wish.services
        )
        self.routed = replace(wish, services=kept)
        self._note_idle()
        await self._memory.remember_routed(self.routed)
        return True

    def _may_try_again(self) -> bool:
        refused_at = self._refused_at
        return refused_at is not None and seconds_between(refused_at, self._ports.clock.now()) >= REFUSED_SECONDS

    def _note_idle(self) -> None:
        """From now on the gateway sends nothing to releases that have endpoints and no weight."""
        now = self._ports.clock.now()
        busy = {
            (piece.service, route.release) for piece in self.routed.services for route in piece.routes if route.weight
        }
        idle = [pair for pair in ((one.service, one.release) for one in self.routed.endpoints) if pair not in busy]
        self._idle_since = {pair: self._idle_since.get(pair, now) for pair in idle}
