"""Envoy as the site's gateway."""

import json
import logging
import os

from windlass.adapters.traffic.envoy.admin import Admin
from windlass.adapters.traffic.envoy.bootstrap import STAT_PREFIX, boot, listener
from windlass.adapters.traffic.envoy.changes import Changes
from windlass.adapters.traffic.envoy.files import CLUSTERS, LISTENERS, ROUTES, ConfigurationFiles
from windlass.adapters.traffic.envoy.process import EnvoyProcess
from windlass.adapters.traffic.envoy.reader import LogReader, make_log
from windlass.adapters.traffic.envoy.routes import route_configuration
from windlass.adapters.traffic.envoy.settings import EnvoySettings
from windlass.adapters.traffic.envoy.totals import Rollout
from windlass.adapters.world import files
from windlass.kernel.digests import digest_of_value, hex_of
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant, seconds_between
from windlass.kernel.records import from_json, to_json
from windlass.ports.traffic import TrafficApplied, TrafficCounts, TrafficWish
from windlass.ports.world import Clock

SILENT_SECONDS_MAX = 15.0  # an Envoy that answers nothing for so long, however often it is asked, hangs
SILENT_QUESTIONS = 3
_COMPLETED = rf"^http\.{STAT_PREFIX}\.downstream_rq_completed$"

log = logging.getLogger("windlass.gateway")


class EnvoyTraffic:
    """One Envoy, its files and its log. All files are private to their user."""

    def __init__(self, settings: EnvoySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._admin = Admin(settings.admin_socket)
        self._process = EnvoyProcess(settings, self._admin)
        self._files = ConfigurationFiles(settings.folder)
        self._changes = Changes(settings, self._files, self._admin)
        files.make_folder(settings.endpoints_folder)
        self._wish_file = f"{settings.folder}/wish.json"
        self._running = self._load_wish()
        self._has_unused = True
        # Totals lie beside the gateway's folder, among the site's other records.
        site = os.path.dirname(settings.folder)
        self._reader = LogReader(settings.access_log, f"{site}/counts.json", f"{settings.folder}/unit.key")
        self._is_laid_out = False
        self._answered_at = clock.now()
        self._unanswered = 0

    async def start(self) -> None:
        """See that Envoy runs; see `Traffic.start`."""
        if self._hangs():
            log.warning("gateway_hangs: it has not answered for %.0f s and is started again", SILENT_SECONDS_MAX)
            await self._process.kill()
        is_running = self._process.is_running()
        if is_running and self._is_laid_out:
            return
        self._lay_out()
        if not is_running:
            await self._process.start()
            self._answered()
        self._reader.begin_epoch(self._process.epoch, is_launched=not is_running)
        self._is_laid_out = True

    async def apply(self, wish: TrafficWish) -> TrafficApplied:
        """Carry out the wish; see `Traffic.apply`."""
        before = self._running
        applied, self._running = await self._changes.apply(wish, before)
        if self._running != before:
            files.write_file(self._wish_file, json.dumps(to_json(self._running)).encode())
            self._has_unused = True
        return applied

    async def counts(self, now: Instant) -> TrafficCounts:
        """Read what finished; see `Traffic.counts`. Without Envoy the totals stand still."""
        rollouts = {
            piece.service: Rollout(piece.salt, bool(piece.unit_header), piece.timeout_seconds)
            for piece in self._running.services
        }
        salts = frozenset(piece.salt for piece in self._running.services if len(piece.routes) > 1)
        self._reader.read(rollouts, now)
        if self._process.is_running():
            await self._look_after(salts, now)
        gap = self._reader.is_tainted(salts)
        self._reader.save()
        return TrafficCounts(self._reader.totals.counts(), gap)

    async def forget(self, steps: frozenset[str]) -> None:
        """Drop the totals of all steps except these."""
        self._reader.forget(steps)

    async def stop(self) -> None:
        """Drain and end Envoy, and count what its last requests came to."""
        await self._process.stop()
        await self.counts(self._clock.now())

    def _hangs(self) -> bool:
        silent = seconds_between(self._answered_at, self._clock.now())
        return self._unanswered >= SILENT_QUESTIONS and silent > SILENT_SECONDS_MAX

    def _answered(self) -> None:
        self._answered_at, self._unanswered = self._clock.now(), 0

    def _lay_out(self) -> None:
        """Write what Envoy starts with. Routes and clusters of the last wish stay, so that it answers at once."""
        settings = self._settings
        make_log(settings.access_log)
        files.write_file(f"{settings.folder}/boot.json", json.dumps(boot(settings)).encode())
        door = listener(settings)
        self._files.put(LISTENERS, hex_of(digest_of_value(door))[:16], [door])
        if not self._files.version(CLUSTERS):
            self._files.put(CLUSTERS, "0", [])
        if not self._files.version(ROUTES):
            self._files.put(ROUTES, "0", [route_configuration((), ())])

    async def _look_after(self, salts: frozenset[str], now: Instant) -> None:
        """Once a second: what Envoy has completed, old clusters, the size of the log. It may be ending just now."""
        try:
            found = await self._admin.stats(_COMPLETED)
            self._answered()
            self._reader.compare(sum(int(value) for value in found.values()), salts, now)
            if self._has_unused:
                self._has_unused = await self._changes.remove_unused(self._running)
            if self._reader.wants_rotation(self._settings.rotate_bytes):
                self._reader.rotate(now)
                await self._admin.order("/reopen_logs")
            elif not os.path.exists(self._settings.access_log):
                make_log(self._settings.access_log)
                await self._admin.order("/reopen_logs")
        except Unavailable:
            self._unanswered += 1

    def _load_wish(self) -> TrafficWish:
        """The wish that the gateway ran last; a file that cannot be read counts as none."""
        data = files.read_file(self._wish_file)
        try:
            return from_json(TrafficWish, json.loads(data)) if data else TrafficWish("", (), ())
        except ValueError:
            return TrafficWish("", (), ())
