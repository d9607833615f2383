"""The agent of one site: fetch, verify, decide, act, count, report.

`step` is one deterministic pass, as the simulator runs it; `run` lets the parts go at their own pace, so that a silent
control plane holds up nothing. The agent's own death changes nothing for callers: gateway and replicas go on, and the
next agent adopts them.
"""

import asyncio
import logging
from dataclasses import replace
from enum import Enum
from typing import Any

from windlass.delivery.services.types import ServiceSlice, SitePlan
from windlass.facts.counts import SiteReport
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.kernel.instants import Instant, later, seconds_between
from windlass.ports.traffic import TrafficCounts
from windlass.site import reports
from windlass.site.acts import Asked, Journalled, breach, entry_for, in_force, sentence
from windlass.site.driving import Driving
from windlass.site.holding import Holding
from windlass.site.journal import Journal
from windlass.site.memory import Memory, generation_of
from windlass.site.types import DISK, PLAN, SitePorts, SiteSettings

__all__ = ["Agent", "SitePorts", "SiteSettings", "build"]

DOWN_SECONDS_MAX = 20.0
FAILURES_COUNTED = 4  # the longest pause is 4 s: a control plane that is back is heard within some seconds
RESERVE_SECONDS = 60.0  # between two looks whether the reserve is there: on a full disk each try writes it in part

log = logging.getLogger("windlass.site")


def build(ports: SitePorts, settings: SiteSettings) -> "Agent":
    """The agent over a chosen world: the real one, or the simulator's."""
    return Agent(ports, settings)


class Heard(Enum):
    """What asking for a plan came to: a new one is in force, nothing is new, or nothing of use was said."""

    NEW = "new"
    SAME = "same"
    NOTHING = "nothing"


class Agent:
    """One site's agent."""

    def __init__(self, ports: SitePorts, settings: SiteSettings) -> None:
        self._ports = ports
        self._settings = settings
        self._boot = ports.chance.token()
        self._holding = Holding(ports.disk, ports.verifier, settings)
        self._journal = Journal(ports.disk, settings.folder, settings.reserved_bytes)
        self._memory = Memory(ports.disk, ports.clock, settings.folder)
        self._driving = Driving(ports, self._memory)
        self._pass_lock = asyncio.Lock()
        self._is_open = False
        self._is_down = False  # nothing is started any more
        self._is_over = False  # nothing runs any more
        self._routed_generation = 0  # of the plan by which an earlier agent routed last, and what that plan banned
        self._routed_bans: dict[str, tuple[str, ...]] = {}
        self._generation = 0  # of the plan whose routing the gateway has confirmed
        self._counts = TrafficCounts()
        self._counted_at = Instant(0)
        self._counted_steps: frozenset[str] = frozenset()  # those of which the gateway keeps totals
        self._contact_at = Instant(0)
        self._reserve_at = Instant(0)
        self._disk_trouble = ""
        self._said: dict[str, str] = {}
        self._is_alone = False  # nobody answered when a plan was asked for last
        self._last_report: SiteReport | None = None
        self._in_force: tuple[SitePlan, tuple[Journalled, ...], tuple[ServiceSlice, ...]] | None = None

    async def run(self) -> None:
        """Serve until `down` was asked for. Cancelling it leaves gateway and replicas as they are."""
        await self._open()
        self._ports.tasks.spawn("listen", self._listen())
        self._ports.tasks.spawn("report", self._keep_reporting())
        while not self._is_over:
            await self._pass()
            await self._ports.clock.sleep(self._settings.tick_seconds)

    async def step(self) -> None:
        """One whole pass: ask for a plan, carry out the one held, count, report."""
        await self._open()
        await self._fetch()
        await self._pass()
        await self._report()

    async def down(self) -> None:
        """Take everything down: the gateway drains first, then the replicas end."""
        async with self._pass_lock:
            self._is_down = True
            await self._ports.traffic.stop()
            began = self._ports.clock.now()
            while seconds_between(began, self._ports.clock.now()) < DOWN_SECONDS_MAX:
                replicas = await self._ports.replicas.look()
                if not replicas:
                    break
                for one in replicas:
                    await self._ports.replicas.stop(one.name, 2.0)
                await self._ports.clock.sleep(0.05)
            self._is_over = True

    async def act(self, asked: Asked) -> dict[str, Any]:
        """Carry out what a person asks here: journalled first, then routed at once.

        Raises:
            UserMistake: the service or the act does not exist.
            Refused: there is nothing to leave or to go back to.
            Unavailable: the act could not be stored, so it was not done.
        """
        async with self._pass_lock:
            piece = next((one for one in self._slices() if one.service == asked.service), None)
            if piece is None:
                known = ", ".join(one.service for one in self._slices()) or "none"
                words = f"no service {asked.service!r} is served here"
                raise UserMistake(words, code="no-such-service", remedy=f"services: {known}")
            entry = entry_for(asked, piece, self._next_seq(), self._ports.clock.now())
            await self._journal.append(Journalled(entry, piece))
        await self._pass()
        return {
            "entry": entry.seq,
            "leaves": entry.leaves,
            "returns_to": entry.returns_to,
            "words": sentence(entry),
        }

    def _next_seq(self) -> int:
        """The number of the next entry: above those that the plan has seen, too, because a journal can be lost."""
        pieces = self._holding.plan.services if self._holding.plan is not None else ()
        return max(self._journal.next_seq, 1 + max((piece.seen_entry for piece in pieces), default=0))

    @property
    def generation(self) -> int:
        """The generation of the plan that the gateway runs, as far as it has confirmed it."""
        return self._generation

    def status(self) -> dict[str, Any]:
        """What people see of this site."""
        report = self._report_now(0)
        return reports.status(self._holding.plan, self._driving.routed.services, report, self._alone_seconds())

    async def _open(self) -> None:
        if self._is_open:
            return
        await self._memory.open()
        await self._journal.open()
        await self._holding.open()
        self._driving.open()
        self._routed_generation = generation_of(self._memory.routed)
        self._routed_bans = {piece.service: piece.banned for piece in self._memory.routed.services}
        self._counted_steps = self._memory.steps
        self._contact_at = self._ports.clock.now()
        self._is_open = True

    async def _pass(self) -> None:
        """Carry out the plan held, count, and act alone where the plan says so."""
        async with self._pass_lock:
            if self._is_down:
                return
            self._disk_trouble = ""
            try:
                await self._drive()
                await self._count()
                await self._judge_alone()
                await self._keep_reserve()
                await self._holding.save()
                await self._memory.save()
            except Unavailable as error:
                self._disk_trouble = str(error)  # what runs goes on; the next pass tries again
            self._say_stuck()

    async def _drive(self) -> None:
        generation = self._holding.generation
        await self._driving.drive(self._slices(), max(generation, self._routed_generation))
        if self._driving.is_settled:
            self._generation = generation

    def _slices(self) -> tuple[ServiceSlice, ...]:
        """What the plan held and the acts here come to; it changes with one of them only."""
        plan, entries = self._holding.plan, self._journal.entries
        if plan is None:
            return ()
        if self._in_force is None or self._in_force[0] is not plan or self._in_force[1] is not entries:
            slices = tuple(in_force(self._still_banned(piece, plan), entries) for piece in plan.services)
            self._in_force = (plan, entries, slices)
        return self._in_force[2]

    def _still_banned(self, piece: ServiceSlice, plan: SitePlan) -> ServiceSlice:
        """A plan older than what the gateway runs is in force only because the newer one cannot be read any more: what
        that one banned stays banned."""
        if plan.generation >= self._routed_generation:
            return piece
        return replace(piece, banned=(*piece.banned, *self._routed_bans.get(piece.service, ())))

    async def _count(self) -> None:
        now = self._ports.clock.now()
        if seconds_between(self._counted_at, now) < self._settings.count_seconds:
            return
        self._counts = await self._ports.traffic.counts(now)
        self._counted_at = now
        steps = self._memory.steps
        if steps != self._counted_steps:
            await self._ports.traffic.forget(steps)
            self._counted_steps = steps

    async def _judge_alone(self) -> None:
        """Alone, a site sets a candidate to 0 only by the limit in its signed plan."""
        if self._alone_seconds() < self._settings.alone_seconds or self._counts.gap:
            return
        for piece in self._slices():
            words = breach(piece, self._counts.counts)
            if words:
                asked = Asked("abort", piece.service, f"site/{self._settings.site}", words)
                entry = entry_for(asked, piece, self._next_seq(), self._ports.clock.now())
                await self._journal.append(Journalled(entry, piece))

    async def _keep_reserve(self) -> None:
        """Room for a person's acts; it is given up when the gateway's own files find none."""
        if self._driving.is_disk_full:
            self._driving.is_disk_full = False
            await self._journal.release()
        elif self._ports.clock.now() >= self._reserve_at:
            self._reserve_at = later(self._ports.clock.now(), seconds=RESERVE_SECONDS)
            await self._journal.reserve()

    def _alone_seconds(self) -> float:
        return seconds_between(self._contact_at, self._ports.clock.now())

    async def _listen(self) -> None:
        """Ask for plans for ever; a new one is carried out at once. Silence and useless answers earn growing pauses."""
        failures = 0
        while True:
            heard = await self._fetch()
            if heard is Heard.NEW:
                await self._pass()
            failures = min(failures + 1, FAILURES_COUNTED) if heard is Heard.NOTHING else 0
            pause = 0.25 * 2.0**failures if failures else 0.2
            await self._ports.clock.sleep(pause * self._ports.chance.uniform(0.5, 1.5))

    async def _fetch(self) -> Heard:
        """Ask for a newer plan. One that could not be stored is in force all the same, and the report says so."""
        try:
            signed = await self._ports.uplink.fetch(self._holding.generation)
        except Unavailable as error:
            self._note_silence(str(error))
            return Heard.NOTHING
        self._note_silence("")
        self._contact_at = self._ports.clock.now()
        if signed is None:
            return Heard.SAME
        try:
            heard = Heard.NEW if await self._holding.accept(signed) else Heard.NOTHING
        except Unavailable as error:
            self._disk_trouble = str(error)
            heard = Heard.NEW
        self._say_stuck()
        return heard

    def _note_silence(self, words: str) -> None:
        """The log says when the control plane falls silent, and when it is heard again."""
        if words and not self._is_alone:
            log.warning("alone: %s", words)
        if self._is_alone and not words:
            log.info("no longer alone")
        self._is_alone = bool(words)

    async def _keep_reporting(self) -> None:
        """Report for ever; while nobody listens, with pauses that differ from site to site."""
        while True:
            is_heard = await self._report()
            pause = self._settings.count_seconds if is_heard else 3.0 * self._ports.chance.uniform(0.5, 1.5)
            await self._ports.clock.sleep(pause)

    async def _report(self) -> bool:
        """Report if there is something to say; False where nobody listens."""
        is_rolling = any(len(piece.routes) > 1 for piece in self._driving.routed.services)
        report = self._report_now(0)
        if not is_rolling and not reports.is_due(report, self._last_report):
            return True
        try:
            report = replace(report, seq=await self._memory.number())
            await self._ports.uplink.report(report)
        except Unavailable:
            return False
        self._contact_at = self._ports.clock.now()
        self._last_report = report
        return True

    def _say_stuck(self) -> None:
        """Each trouble stands in the log once, and once more when it is over."""
        stuck = self._stuck()
        for key, words in stuck.items():
            if self._said.get(key) != words:
                log.warning("stuck: %s: %s", key, words)
        for key in sorted(self._said.keys() - stuck.keys()):
            log.info("no longer stuck: %s", key)
        self._said = stuck

    def _stuck(self) -> dict[str, str]:
        """What keeps this site from what its plan says: by service, or by gateway, plan and disk."""
        stuck = {**self._holding.faults, **self._driving.stuck}
        if self._holding.trouble:
            stuck[PLAN] = self._holding.trouble
        if self._disk_trouble:
            stuck[DISK] = self._disk_trouble
        return dict(sorted(stuck.items()))

    def _report_now(self, seq: int) -> SiteReport:
        driving, holding = self._driving, self._holding
        stuck = self._stuck()
        services = {piece.service for piece in holding.plan.services} if holding.plan else set()
        return SiteReport(
            site=self._settings.site,
            generation=self._generation,
            seq=seq,
            at=self._ports.clock.now(),
            counts=self._counts.counts,
            replicas=reports.replicas_seen(driving.replicas, driving.history),
            journal=reports.unseen_entries(holding.plan, self._journal.entries),
            gap=self._counts.gap,
            boot=self._boot,
            stuck=stuck,
            unready=tuple(sorted({*driving.unready, *(services & set(stuck))})),
        )
