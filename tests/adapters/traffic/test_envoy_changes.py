"""Changes of the gateway under traffic: nothing is lost, and what is wrong changes nothing."""

import asyncio
import dataclasses
import json
import os
from pathlib import Path

import pytest

from tests.adapters.traffic.scenes import Caller, Load, Scene, Upstream, envoy_scene, eventually, free_port
from windlass.adapters.traffic.envoy import EnvoySettings, EnvoyTraffic
from windlass.adapters.world import RealClock
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.traffic import Endpoints, TrafficWish
from windlass.testing.conformance.traffic import A, B, piece, requests, until, wish


def test_moving_shares_loses_no_request() -> None:
    """Twenty changes of the share under load: every request is answered with success."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.0", piece())
            async with Load(scene.port) as load:
                for number in range(1, 21):
                    await wish(scene, f"1.{number}", piece(f"s{number + 1}", 500 * number))
                    await load.more(10)
            assert {200: len(load.answers)} == load.statuses
            seen = await until(scene, lambda seen: requests(seen) == len(load.answers))
            assert not seen.gap

    asyncio.run(story())


def test_swapping_endpoints_loses_no_request() -> None:
    """Replicas that come and go under load cost nobody a request, and the counts go on."""

    async def story() -> None:
        async with envoy_scene() as scene:
            paths = [f"{scene.folder}/swap-{number}.sock" for number in range(2)]
            both = [await Upstream(path, f"swap {path}").start() for path in paths]
            async with Load(scene.port) as load:
                for number in range(20):
                    sockets = Endpoints("fraud", A, (paths[number % 2],))
                    applied = await scene.traffic.apply(TrafficWish(f"1.{number}", (piece(),), (sockets,)))
                    assert applied.confirmed
                    await load.more(10)
            for upstream in both:
                await upstream.close()
            known = {status: count for status, count in load.statuses.items() if status != 404}
            assert {200: sum(known.values())} == known  # 404 only before the service was known
            assert min(upstream.served for upstream in both) > 0

    asyncio.run(story())


def test_removing_a_release_waits_for_its_requests() -> None:
    """A release that leaves while it works on requests answers them all; its cluster goes afterwards."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(weight=10_000, timeout=20.0))
            leaving = scene.upstreams[("fraud", B)]
            leaving.delay = 1.0
            callers = [Caller(scene.port) for _ in range(5)]
            running = [asyncio.create_task(caller.call("/predict/fraud")) for caller in callers]
            await eventually(lambda: len(leaving.heads) == 5)
            only = piece("s2")
            applied = await scene.traffic.apply(TrafficWish("1.2", (only,), (scene.endpoints("fraud", A),)))
            assert applied.confirmed
            assert [200] * 5 == [answer.status for answer in await asyncio.gather(*running)]
            assert {A: 5} == await scene.send("fraud", 5)
            gone = Path(scene.folder, "site", "gateway", "endpoints", f"fraud.{B[7:]}.json")
            while gone.exists():
                await scene.traffic.counts(scene.clock.now())
                await asyncio.sleep(0.01)
            for caller in callers:
                caller.close()

    asyncio.run(story())


def test_a_service_with_wrong_routes_changes_nothing_but_itself() -> None:
    """Envoy refuses a whole table for one wrong service: the culprit is named, the other changes are in force."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(), piece(service="churn"))
            wrong = dataclasses.replace(piece("s2"), unit_header="new\nline")
            good = piece("s2", 10_000, service="churn")
            endpoints = tuple(scene.endpoints(name, release) for name in ("churn", "fraud") for release in (A, B))
            applied = await scene.traffic.apply(TrafficWish("1.2", (wrong, good), endpoints))
            assert (True, ["fraud"]) == (applied.confirmed, list(applied.stuck))
            assert {A: 3} == await scene.send("fraud", 3)
            assert {B: 3} == await scene.send("churn", 3)
            await scene.traffic.apply(TrafficWish("1.3", (piece("s3", 10_000), good), endpoints))
            assert {B: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_broken_route_file_leaves_the_last_good_routes() -> None:
    """Half a file in place of the routes changes nothing for callers, and the next wish repairs it."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            routes = Path(scene.folder, "site", "gateway", "routes.json")
            half = routes.with_suffix(".half")
            half.write_text(routes.read_text()[:100])
            os.replace(half, routes)
            assert {A: 20} == await scene.send("fraud", 20)
            scene.again()
            await scene.traffic.start()
            await wish(scene, "1.2", piece("s2", 10_000))
            assert {B: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_sticky_user_only_moves_towards_the_candidate() -> None:
    """Raising the share keeps every user who met the candidate, and another rollout meets other users."""

    async def met(scene: Scene, number: int, weight: int, salt: str) -> set[str]:
        sticky = dataclasses.replace(piece(f"s{number}", weight), unit_header="x-user", salt=salt)
        await wish(scene, f"1.{number}", sticky)
        caller, found = Caller(scene.port), set()
        for user in range(200):
            for _ in range(2):
                answer = await caller.call("/predict/fraud", {"x-user": f"user {user}"})
                if answer.release == B:
                    found.add(f"user {user}")
                assert (answer.release == B) == (f"user {user}" in found)  # twice the same
        caller.close()
        return found

    async def story() -> None:
        async with envoy_scene() as scene:
            small = await met(scene, 1, 500, "r1")
            large = await met(scene, 2, 2_500, "r1")
            most = await met(scene, 3, 7_500, "r1")
            other = await met(scene, 4, 2_500, "r2")
            assert 0 < len(small) < len(large) < len(most)
            assert small <= large <= most
            assert len(large & other) < 0.6 * len(other)

    asyncio.run(story())


def test_a_killed_replica_costs_no_request() -> None:
    """A replica that dies in the middle of requests: another one answers them, and each repeat is counted."""

    async def story() -> None:
        async with envoy_scene() as scene:
            dying = await Upstream(f"{scene.folder}/dying.sock", "dying").start()
            sockets = (dying.path, scene.upstreams[("fraud", A)].path)
            await scene.traffic.apply(TrafficWish("1.1", (piece(),), (Endpoints("fraud", A, sockets),)))
            async with Load(scene.port) as load:
                await load.more(50)
                dying.is_deaf = True
                await load.more(50)
                await dying.close()
                await load.more(50)
            assert {200: len(load.answers)} == load.statuses
            seen = await until(scene, lambda seen: requests(seen) == len(load.answers))
            assert seen.counts[0].finished.retried > 0
            assert 0 == seen.counts[0].finished.failed

    asyncio.run(story())


def test_what_may_not_be_repeated_is_not_repeated() -> None:
    """A request that broke off is sent once only where the service is not idempotent, and counts as failed."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", dataclasses.replace(piece(), idempotent=False))
            dying = scene.upstreams[("fraud", A)]
            dying.is_deaf = True
            answer = await scene.caller.call("/predict/fraud")
            assert 503 == answer.status
            assert 1 == len(dying.heads)
            seen = await until(scene, lambda seen: requests(seen) == 1)
            assert (1, 0) == (seen.counts[0].finished.failed, seen.counts[0].finished.retried)

    asyncio.run(story())


def test_a_large_body_survives_a_killed_replica() -> None:
    """A body of some megabytes is kept for the second attempt."""

    async def story() -> None:
        async with envoy_scene() as scene:
            dying = await Upstream(f"{scene.folder}/dying.sock", "dying").start()
            dying.is_deaf = True
            good = scene.upstreams[("fraud", A)]
            sockets = (dying.path, good.path)
            await scene.traffic.apply(TrafficWish("1.1", (piece(timeout=20.0),), (Endpoints("fraud", A, sockets),)))
            for _ in range(6):
                answer = await scene.caller.call("/predict/fraud", body=b"x" * (3 << 20))
                assert 200 == answer.status
            assert dying.heads
            assert 6 * (3 << 20) == good.bytes_seen
            await dying.close()

    asyncio.run(story())


def test_the_gateway_is_adopted_after_the_agents_death() -> None:
    """A new adapter over the same folder finds the gateway running, starts no other, and counts where the old ended."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            async with Load(scene.port) as load:
                await load.more(20)
                await scene.traffic.counts(scene.clock.now())
                record = json.loads(Path(scene.folder, "site", "gateway", "process.json").read_text())
                await scene.again().start()
                await wish(scene, "1.2", piece("s2"))
                await load.more(20)
            assert {200: len(load.answers)} == load.statuses
            assert record == json.loads(Path(scene.folder, "site", "gateway", "process.json").read_text())
            seen = await until(scene, lambda seen: requests(seen) == len(load.answers))
            assert not seen.gap

    asyncio.run(story())


def test_a_killed_gateway_comes_back_as_it_was() -> None:
    """After kill -9 the next start answers with the same routes from its own files, without a new wish."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(weight=10_000))
            assert {B: 5} == await scene.send("fraud", 5)
            await until(scene, lambda seen: requests(seen) == 5)
            pid = json.loads(Path(scene.folder, "site", "gateway", "process.json").read_text())["pid"]
            os.kill(pid, 9)
            scene.caller.close()
            await eventually(lambda: not scene.traffic._process.is_running())
            await scene.traffic.start()
            assert {B: 5} == await scene.send("fraud", 5)
            seen = await until(scene, lambda seen: requests(seen) == 10)
            assert not seen.gap

    asyncio.run(story())


def test_a_busy_port_names_its_holder() -> None:
    """Where the port is taken the gateway does not start, and the message says by whom and what to do."""

    async def story() -> None:
        async with envoy_scene() as scene:
            settings = EnvoySettings(f"{scene.folder}/other/gateway", f"{scene.folder}/o", scene.port)
            with pytest.raises(Unavailable) as caught:
                await EnvoyTraffic(settings, RealClock()).start()
            pid = json.loads(Path(scene.folder, "site", "gateway", "process.json").read_text())["pid"]
            assert f"port {scene.port} is in use by envoy (pid {pid})" == caught.value.what
            assert "another port" in caught.value.remedy

    asyncio.run(story())


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    """A folder whose sockets nobody could open is refused with the limit."""

    async def story() -> None:
        async with envoy_scene() as scene:
            settings = EnvoySettings(f"{scene.folder}/x/gateway", f"{scene.folder}/{'x' * 90}", 1)
            with pytest.raises(UserMistake, match="too long"):
                await EnvoyTraffic(settings, RealClock()).start()

    asyncio.run(story())


def test_a_gateway_that_cannot_start_says_why() -> None:
    """A binary that ends at once is reported with its last words."""

    async def story() -> None:
        async with envoy_scene() as scene:
            binary = Path(scene.folder, "broken")
            binary.write_text("#!/bin/sh\necho 'no such machine' >&2\nexit 1\n")
            binary.chmod(0o700)
            settings = EnvoySettings(f"{scene.folder}/x/gateway", f"{scene.folder}/x", free_port(), binary=str(binary))
            with pytest.raises(Unavailable, match="no such machine"):
                await EnvoyTraffic(settings, RealClock()).start()

    asyncio.run(story())
