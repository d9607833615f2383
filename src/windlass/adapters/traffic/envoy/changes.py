"""Carries out a wish in an order in which no request fails, and sees each step confirmed before the next.

Endpoints and clusters come first, then routes, then what is no longer used is removed once its requests have ended.
Written at once, Envoy refuses routes to clusters it does not know yet; a cluster removed too early answers 503. One
wrong service refuses the whole routing table, so after a refusal the changed services are tried one by one: the rest
is applied, and the culprit stays as it was.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

from windlass.adapters.traffic.envoy.admin import Admin
from windlass.adapters.traffic.envoy.bootstrap import ROUTES_NAME, STAT_PREFIX
from windlass.adapters.traffic.envoy.clusters import assignment, cluster, cluster_name, endpoints_file, parse_cluster
from windlass.adapters.traffic.envoy.files import CLUSTERS, ROUTES, ConfigurationFiles
from windlass.adapters.traffic.envoy.routes import route_configuration
from windlass.adapters.traffic.envoy.settings import EnvoySettings
from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.errors import Unavailable
from windlass.ports.traffic import Endpoints, TrafficApplied, TrafficWish

CONFIRM_SECONDS_MAX = 5.0
POLL_SECONDS = 0.02
_STATS = {ROUTES: f"http.{STAT_PREFIX}.rds.{ROUTES_NAME}", CLUSTERS: "cluster_manager.cds"}


class Changes:
    """Changes from what the files say to what is wished."""

    def __init__(self, settings: EnvoySettings, configuration: ConfigurationFiles, admin: Admin) -> None:
        self._settings = settings
        self._files = configuration
        self._admin = admin

    async def apply(self, wish: TrafficWish, before: TrafficWish) -> tuple[TrafficApplied, TrafficWish]:
        """Carry out the wish; returns what came of it, and the wish that the gateway runs now.

        Raises:
            Unavailable: Envoy does not answer; the files are written as far as it came, and trying again goes on there.
        """
        stuck = await self._extend(wish)
        services, refused = await self._route(wish, before, stuck)
        stuck = {**stuck, **refused}
        used = _endpoints_in_use(services, wish, before)
        running = TrafficWish(wish.version, services, used)
        await self.remove_unused(running)
        words = "; ".join(f"{name}: {reason}" for name, reason in sorted(stuck.items()))
        return TrafficApplied(True, dict(sorted(stuck.items())), words), running

    async def remove_unused(self, running: TrafficWish) -> bool:
        """Remove clusters that nothing uses and whose requests have ended; says whether some still have requests."""
        used = {cluster_name(one.service, one.release) for one in running.endpoints}
        known = self._cluster_names()
        unused = [name for name in known if name not in used]
        if not unused:
            return False
        pattern = "|".join(re.escape(name) for name in unused)
        active = await self._admin.stats(rf"^cluster\.({pattern})\.upstream_rq_active$")
        idle = {name for name in unused if active.get(f"cluster.{name}.upstream_rq_active", "0") == "0"}
        if idle:
            kept = [name for name in known if name not in idle]
            version = f"{running.version}-{len(kept)}"
            await self._put(CLUSTERS, version, [cluster(name, self._settings) for name in kept])
        for name in sorted(idle):
            self._files.remove(f"endpoints/{endpoints_file(name)}")
        return len(idle) < len(unused)

    async def _extend(self, wish: TrafficWish) -> dict[str, str]:
        """Add and change endpoints and add clusters; services whose endpoints Envoy refuses are returned as stuck."""
        for one in wish.endpoints:
            name = cluster_name(one.service, one.release)
            self._files.put(f"endpoints/{endpoints_file(name)}", wish.version, [assignment(name, one)])
        names = sorted({*self._cluster_names(), *(cluster_name(one.service, one.release) for one in wish.endpoints)})
        if not await self._put(CLUSTERS, wish.version, [cluster(name, self._settings) for name in names]):
            raise Unavailable("the gateway did not take the clusters", code="gateway-clusters")
        bad = await self._unconfirmed_endpoints(names)
        return {
            parse_cluster(name)[0]: f"the gateway refuses the endpoints of release {parse_cluster(name)[1][7:19]}"
            for name in bad
        }

    async def _unconfirmed_endpoints(self, names: Sequence[str]) -> list[str]:
        wanted = {
            f"cluster.{name}.version_text": self._files.version(f"endpoints/{endpoints_file(name)}") for name in names
        }
        deadline = time.monotonic() + CONFIRM_SECONDS_MAX
        while wanted:
            found = await self._admin.stats(r"^cluster\..*\.version_text$")
            missing = [key for key, version in wanted.items() if found.get(key) != version]
            if not missing or time.monotonic() > deadline:
                return [key.removeprefix("cluster.").removesuffix(".version_text") for key in missing]
            await asyncio.sleep(POLL_SECONDS)
        return []

    async def _route(
        self, wish: TrafficWish, before: TrafficWish, stuck: dict[str, str]
    ) -> tuple[tuple[ServiceSlice, ...], dict[str, str]]:
        """Write the routes; after a refusal find the culprits. Returns the services as they run, and the refused."""
        old = {piece.service: piece for piece in before.services}
        wished = [piece for piece in wish.services if piece.service not in stuck or piece.service in old]
        services = tuple(old[piece.service] if piece.service in stuck else piece for piece in wished)
        if await self._try(wish, before, services, wish.version):
            return services, {}
        running = {piece.service: old[piece.service] for piece in services if piece.service in old}
        refused: dict[str, str] = {}
        for number, piece in enumerate(services):
            if old.get(piece.service) == piece:
                continue
            trial = {**running, piece.service: piece}
            if await self._try(wish, before, tuple(trial.values()), f"{wish.version}-{number}"):
                running = trial
            else:
                refused[piece.service] = "the gateway refuses its routes; they stay as they were"
        good = tuple(running[piece.service] for piece in services if piece.service in running)
        if not await self._try(wish, before, good, f"{wish.version}-good"):
            raise Unavailable("the gateway did not take the routes", code="gateway-routes")
        return good, refused

    async def _try(
        self, wish: TrafficWish, before: TrafficWish, services: tuple[ServiceSlice, ...], version: str
    ) -> bool:
        endpoints = _endpoints_in_use(services, wish, before)
        return await self._put(ROUTES, version, [route_configuration(services, endpoints)])

    async def _put(self, name: str, version: str, resources: list[dict[str, Any]]) -> bool:
        """Write the file if it changes, and wait until Envoy runs its version; False once Envoy has refused it."""
        prefix = _STATS[name]
        pattern = f"^{re.escape(prefix)}\\.(version_text|update_rejected|update_failure)$"
        found = await self._admin.stats(pattern)
        refusals = _refusals(found)
        if found.get(f"{prefix}.version_text") != self._files.version(name):
            self._files.distrust(name)  # Envoy has refused this file, or was killed before it read it
        self._files.put(name, version, resources)
        wanted = self._files.version(name)
        deadline = time.monotonic() + CONFIRM_SECONDS_MAX
        while time.monotonic() < deadline:
            found = await self._admin.stats(pattern)
            if found.get(f"{prefix}.version_text") == wanted:
                return True
            if _refusals(found) > refusals:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _cluster_names(self) -> list[str]:
        return [str(resource["name"]) for resource in self._files.resources(CLUSTERS)]


def _endpoints_in_use(
    services: Sequence[ServiceSlice], wish: TrafficWish, before: TrafficWish
) -> tuple[Endpoints, ...]:
    """What is wished, and what a service that could not be changed still routes to."""
    found = {(one.service, one.release): one for one in wish.endpoints}
    routed = {(piece.service, route.release) for piece in services for route in piece.routes}
    for one in before.endpoints:
        if (one.service, one.release) in routed and (one.service, one.release) not in found:
            found[(one.service, one.release)] = one
    return tuple(found[key] for key in sorted(found))


def _refusals(stats: dict[str, str]) -> int:
    return sum(int(value) for key, value in stats.items() if not key.endswith("version_text"))
