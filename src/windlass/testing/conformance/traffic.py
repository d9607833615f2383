"""What every gateway keeps: requests go where the weights say, each is counted once, and nothing is lost on the way."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice
from windlass.facts.counts import StepCounts, Tally
from windlass.ports.traffic import Endpoints, Traffic, TrafficCounts, TrafficWish
from windlass.ports.world import Clock
from windlass.testing.conformance.runs import Runs

A = "blake3:" + "a" * 64
B = "blake3:" + "b" * 64
SECONDS_MAX = 60.0


class TrafficScene(Protocol):
    """One gateway with something behind it."""

    @property
    def traffic(self) -> Traffic:
        """The gateway, started."""
        ...

    @property
    def clock(self) -> Clock:
        """The gateway's clock."""
        ...

    def endpoints(self, service: str, release: str) -> Endpoints:
        """Where something answers for a release; made when it is asked for."""
        ...

    def abandoned(self) -> str:
        """A socket at which nobody listens."""
        ...

    async def send(self, service: str, requests: int) -> dict[str, int]:
        """Send predictions one after the other; how many each release (its digest) answered with success."""
        ...


Scenes = Callable[[], AbstractAsyncContextManager[TrafficScene]]


def piece(step: str = "s1", weight: int = 0, service: str = "fraud", timeout: float = 1.0) -> ServiceSlice:
    """A slice that gives release B `weight` hundredths of a per cent and A the rest."""
    routes = [Route(A, 10_000 - weight, "champion"), Route(B, weight, "candidate")]
    placed = (ReplicaSet(A, 1), ReplicaSet(B, 1))
    return ServiceSlice(
        service, step, tuple(one for one in routes if one.weight), placed, salt="r1", timeout_seconds=timeout
    )


class TrafficConformance(Runs):
    """Give a fixture `scenes` that opens a scene."""

    def test_all_goes_to_the_only_release(self, scenes: Scenes) -> None:
        """A service with one release answers from it, and each request is counted once for its step."""

        async def story() -> None:
            async with scenes() as scene:
                await wish(scene, "1.1", piece())
                assert {A: 50} == await scene.send("fraud", 50)
                assert [("fraud", "s1", A, 50)] == totals(await until(scene, lambda seen: requests(seen) == 50))

        self.run(story())

    def test_weights_share_the_requests(self, scenes: Scenes) -> None:
        """With half the weight each, both releases answer, and the counts are what the callers saw."""

        async def story() -> None:
            async with scenes() as scene:
                await wish(scene, "1.1", piece(weight=5_000))
                sent = await scene.send("fraud", 200)
                assert 200 == sum(sent.values())
                assert min(sent[A], sent[B]) > 50
                seen = await until(scene, lambda seen: requests(seen) == 200)
                assert [("fraud", "s1", release, sent[release]) for release in (A, B)] == totals(seen)

        self.run(story())

    def test_each_step_counts_for_itself(self, scenes: Scenes) -> None:
        """After a change the old step's totals stand, and the new step begins at nothing."""

        async def story() -> None:
            async with scenes() as scene:
                await wish(scene, "1.1", piece())
                await scene.send("fraud", 20)
                await wish(scene, "2.2", piece("s2", 10_000))
                await scene.send("fraud", 30)
                seen = await until(scene, lambda seen: requests(seen) == 50)
                assert [("fraud", "s1", A, 20), ("fraud", "s2", B, 30)] == totals(seen)
                await scene.traffic.forget(frozenset({"fraud/s2"}))
                seen = await scene.traffic.counts(scene.clock.now())
                assert [("fraud", "s2", B, 30)] == totals(seen)

        self.run(story())

    def test_what_is_old_enough_is_settled(self, scenes: Scenes) -> None:
        """A request counts as finished at once, and as settled when its time-out has passed; then both agree."""

        async def story() -> None:
            async with scenes() as scene:
                await wish(scene, "1.1", piece())
                await scene.send("fraud", 10)
                seen = await until(scene, lambda seen: requests(seen) == 10)
                assert [Tally()] == [one.settled for one in seen.counts]
                seen = await until(scene, lambda seen: seen.counts[0].settled.requests == 10)
                assert seen.counts[0].settled == seen.counts[0].finished

        self.run(story())

    def test_without_endpoints_nobody_answers(self, scenes: Scenes) -> None:
        """A service whose release has no endpoints answers nobody, and nothing is counted for a release."""

        async def story() -> None:
            async with scenes() as scene:
                applied = await scene.traffic.apply(TrafficWish("1.1", (piece(),), ()))
                assert applied.confirmed
                assert {} == await scene.send("fraud", 5)
                assert () == (await scene.traffic.counts(scene.clock.now())).counts

        self.run(story())

    def test_a_dead_release_fails_its_callers(self, scenes: Scenes) -> None:
        """Where nobody listens at any socket of a release its callers get a failure, which counts as one of the
        release; the other release goes on."""

        async def story() -> None:
            async with scenes() as scene:
                dead = Endpoints("fraud", B, (scene.abandoned(),))
                wished = TrafficWish("1.1", (piece(weight=5_000),), (scene.endpoints("fraud", A), dead))
                assert (await scene.traffic.apply(wished)).confirmed
                answered = await scene.send("fraud", 40)
                assert {A} == set(answered)
                seen = await until(scene, lambda seen: requests(seen) == 40)
                assert [("fraud", "s1", A, answered[A]), ("fraud", "s1", B, 40 - answered[A])] == totals(seen)
                failures = {one.release: one.finished.failed for one in seen.counts}
                assert {A: 0, B: 40 - answered[A]} == failures

        self.run(story())

    def test_a_dead_replica_fails_nobody(self, scenes: Scenes) -> None:
        """Where nobody listens at one socket of a release another one answers."""

        async def story() -> None:
            async with scenes() as scene:
                sockets = (scene.abandoned(), *scene.endpoints("fraud", A).sockets)
                wished = TrafficWish("1.1", (piece(),), (Endpoints("fraud", A, sockets),))
                assert (await scene.traffic.apply(wished)).confirmed
                assert {A: 40} == await scene.send("fraud", 40)
                seen = await until(scene, lambda seen: requests(seen) == 40)
                assert [0] == [one.finished.failed for one in seen.counts]

        self.run(story())

    def test_the_same_wish_again_changes_nothing(self, scenes: Scenes) -> None:
        """Starting and applying again is confirmed and harmless."""

        async def story() -> None:
            async with scenes() as scene:
                for number in (1, 2, 3):
                    await scene.traffic.start()
                    await wish(scene, f"1.{number}", piece())
                    assert {A: 5} == await scene.send("fraud", 5)

        self.run(story())

    def test_a_service_that_left_answers_no_more(self, scenes: Scenes) -> None:
        """What is not wished any more is not routed any more; others stay."""

        async def story() -> None:
            async with scenes() as scene:
                await wish(scene, "1.1", piece(), piece(service="churn"))
                await wish(scene, "2.2", piece(service="churn"))
                assert {} == await scene.send("fraud", 5)
                assert {A: 5} == await scene.send("churn", 5)

        self.run(story())


async def wish(scene: TrafficScene, version: str, *services: ServiceSlice) -> None:
    """Have the gateway route these services, with endpoints for all of their releases."""
    pairs = [(one.service, placed.release) for one in services for placed in one.replicas]
    endpoints = tuple(scene.endpoints(*pair) for pair in sorted(pairs))
    applied = await scene.traffic.apply(TrafficWish(version, services, endpoints))
    assert applied.confirmed, applied
    assert {} == dict(applied.stuck)


async def until(scene: TrafficScene, is_so: Callable[[TrafficCounts], bool]) -> TrafficCounts:
    """Read counts until they are as they should be."""
    began = scene.clock.now()
    while True:
        seen = await scene.traffic.counts(scene.clock.now())
        if is_so(seen):
            return seen
        assert scene.clock.now() - began < SECONDS_MAX * 1000, f"the counts are still {seen}"
        await scene.clock.sleep(0.05)


def requests(seen: TrafficCounts) -> int:
    """All finished requests."""
    return sum(one.finished.requests for one in seen.counts)


def totals(seen: TrafficCounts) -> list[tuple[str, str, str, int]]:
    """Service, step, release and number of finished requests."""
    return [_short(one) for one in seen.counts]


def _short(one: StepCounts) -> tuple[str, str, str, int]:
    return (one.service, one.step, one.release, one.finished.requests)
