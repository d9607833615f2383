"""What the gateway counts: what each caller saw, once, whatever happens to the log."""

import asyncio
import dataclasses
import json
import os
import stat
from pathlib import Path

from tests.adapters.traffic.scenes import Caller, Load, Scene, envoy_scene, eventually
from windlass.facts.counts import StepCounts, Tally
from windlass.ports.traffic import TrafficCounts, TrafficWish
from windlass.testing.conformance.traffic import A, B, piece, requests, until, wish


def log_of(scene: Scene) -> Path:
    return Path(scene.settings.access_log)


def tally(seen: TrafficCounts) -> Tally:
    assert 1 == len(seen.counts)
    return seen.counts[0].finished


def of_step(seen: TrafficCounts, step: str) -> list[StepCounts]:
    return [one for one in seen.counts if one.step == step]


def test_a_time_out_is_a_failure() -> None:
    """A replica slower than the service's time-out: the caller gets 504, and it counts with its whole duration."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(timeout=0.3))
            scene.upstreams[("fraud", A)].delay = 1.0
            answer = await scene.caller.call("/predict/fraud")
            assert 504 == answer.status
            assert ("a" * 12, "champion") == (
                answer.headers["x-windlass-release"],
                answer.headers["x-windlass-role"],
            )
            seen = tally(await until(scene, lambda seen: requests(seen) == 1))
            assert (1, 0) == (seen.failed, seen.refused)
            assert 1 == sum(seen.latency.values())

    asyncio.run(story())


def test_a_caller_who_gives_up_has_finished() -> None:
    """A caller who hangs up early has not seen a failure; the request counts as finished and has no duration."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            slow = scene.upstreams[("fraud", A)]
            slow.delay = 0.5
            caller = Caller(scene.port)
            running = asyncio.create_task(caller.call("/predict/fraud"))
            await eventually(lambda: len(slow.heads) == 1)
            running.cancel()
            caller.close()
            seen = tally(await until(scene, lambda seen: requests(seen) == 1))
            assert Tally(requests=1) == seen

    asyncio.run(story())


def test_server_errors_and_refusals_are_told_apart() -> None:
    """5xx answers count as failed, 400, 415 and 422 as refused, and 404 as neither."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            for status in (500, 503, 400, 415, 422, 404, 429, 200):
                scene.upstreams[("fraud", A)].status = status
                assert status == (await scene.caller.call("/predict/fraud")).status
            seen = tally(await until(scene, lambda seen: requests(seen) == 8))
            assert (8, 2, 3, 0) == (seen.requests, seen.failed, seen.refused, seen.retried)

    asyncio.run(story())


def test_only_predictions_that_chance_assigned_count() -> None:
    """A request that names a release, questions about a model and the gateway's own pages are no evidence."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            named = await scene.caller.call(f"/v2/models/fraud/versions/{'b' * 12}/infer")
            assert (200, B) == (named.status, named.release)
            for path in ("/v2/models/fraud", "/v2/models/fraud/ready", "/v2/models/fraud/versions/bbbbbbbbbbbbbb"):
                assert 200 == (await scene.caller.call(path, method="GET")).status
            for path in ("/livez", "/readyz", "/healthz", "/v2", "/v2/health/live", "/v2/health/ready"):
                assert 200 == (await scene.caller.call(path, method="GET")).status
            for path in ("/v2/models/fraud/infer", "/predict/fraud"):
                assert 200 == (await scene.caller.call(path)).status
            seen = await until(scene, lambda seen: requests(seen) == 2)
            assert [A] == [one.release for one in seen.counts]

    asyncio.run(story())


def test_requests_of_our_own_are_marked() -> None:
    """Requests that `windlass send` marks as synthetic are counted as such."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            await scene.caller.call("/predict/fraud", {"x-windlass-synthetic": "1"})
            await scene.caller.call("/predict/fraud", {"x-windlass-synthetic": "\t\t\t"})
            await scene.caller.call("/predict/fraud")
            assert 1 == tally(await until(scene, lambda seen: requests(seen) == 3)).synthetic

    asyncio.run(story())


def test_a_unit_bets_once() -> None:
    """Where callers are assigned by a unit, only its first request counts, and requests without one do not."""

    async def story() -> None:
        async with envoy_scene() as scene:
            sticky = dataclasses.replace(piece(weight=5_000), unit_header="x-user")
            await wish(scene, "1.1", sticky)
            for user in range(20):
                for _ in range(3):
                    await scene.caller.call("/predict/fraud", {"x-user": f"user\t{user}"})
            await scene.caller.call("/predict/fraud")
            await until(scene, lambda seen: requests(seen) == 20)
            await wish(scene, "1.2", dataclasses.replace(sticky, step_id="s2"))
            await scene.caller.call("/predict/fraud", {"x-user": "user\t1"})
            await scene.caller.call("/predict/fraud", {"x-user": "somebody new"})
            await until(scene, lambda seen: requests(seen) == 21)
            await wish(scene, "1.3", dataclasses.replace(sticky, step_id="s3", salt="r2"))
            await scene.caller.call("/predict/fraud", {"x-user": "user\t1"})
            seen = await until(scene, lambda seen: requests(seen) == 22)
            assert {"s1", "s2", "s3"} == {one.step for one in seen.counts}
            stored = Path(scene.folder, "site", "counts.json").read_text()
            assert "somebody" not in stored

    asyncio.run(story())


def test_rotation_loses_no_line() -> None:
    """A log that is renamed again and again under load: every request is counted, and old files go."""

    async def story() -> None:
        async with envoy_scene(rotate_bytes=4_000) as scene:
            await wish(scene, "1.1", piece())
            rotations = 0
            async with Load(scene.port, per_second=400) as load:
                inode = log_of(scene).stat().st_ino
                while rotations < 2:
                    await scene.traffic.counts(scene.clock.now())
                    rotations += log_of(scene).stat().st_ino != inode
                    inode = log_of(scene).stat().st_ino
                    await load.more(20)
            seen = await until(scene, lambda seen: requests(seen) == len(load.answers))
            assert not seen.gap
            old = Path(f"{log_of(scene)}.1")
            while old.exists():
                seen = await scene.traffic.counts(scene.clock.now())
                await asyncio.sleep(0.05)
            assert len(load.answers) == requests(seen)

    asyncio.run(story())


def test_the_log_is_private() -> None:
    """The log holds units as callers sent them: only its user can read it, a new one included."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            log_of(scene).unlink()
            await scene.traffic.counts(scene.clock.now())
            await scene.send("fraud", 3)
            await until(scene, lambda seen: requests(seen) == 3)
            for path in (log_of(scene), Path(scene.folder, "site", "counts.json")):
                assert 0o600 == stat.S_IMODE(path.stat().st_mode)

    asyncio.run(story())


def test_missing_lines_are_a_gap() -> None:
    """Lines that were lost during a rollout make its counts no evidence; the next rollout is judged again."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(weight=5_000))
            await scene.send("fraud", 5)
            await until(scene, lambda seen: requests(seen) == 5)
            await scene.send("fraud", 5)
            os.truncate(log_of(scene), 0)
            while log_of(scene).stat().st_size == 0:  # Envoy writes the second five lines only now
                await asyncio.sleep(0.01)
            os.truncate(log_of(scene), 0)
            seen = await until(scene, lambda seen: seen.gap)
            scene.again()
            await scene.traffic.start()
            assert (await scene.traffic.counts(scene.clock.now())).gap
            await wish(scene, "1.2", dataclasses.replace(piece("s2", 5_000), salt="r2"))
            await scene.send("fraud", 5)
            seen = await until(scene, lambda seen: requests(seen) >= 10)
            assert not seen.gap

    asyncio.run(story())


def test_totals_survive_a_restart_to_the_last_line() -> None:
    """A reader that starts again in the middle of the log counts the rest, and nothing twice."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            for round_number in range(1, 4):
                await scene.send("fraud", 10)
                await until(scene, lambda seen, wanted=10 * round_number: requests(seen) == wanted)  # type: ignore[misc]
                await scene.again().start()
            stored = json.loads(Path(scene.folder, "site", "counts.json").read_text())
            assert 30 == stored["lines"]

    asyncio.run(story())


def test_an_unreadable_total_is_no_success() -> None:
    """A damaged file of totals is started anew instead of ending the agent, and requests count from then on."""

    async def story() -> None:
        async with envoy_scene(rotate_bytes=1) as scene:
            await wish(scene, "1.1", piece())
            await scene.send("fraud", 10)
            await until(scene, lambda seen: requests(seen) == 10)
            Path(scene.folder, "site", "counts.json").write_text('{"offsets"')
            await scene.again().start()
            await wish(scene, "1.2", piece("s2"))
            await scene.send("fraud", 5)
            seen = await until(scene, lambda seen: [5] == [one.finished.requests for one in of_step(seen, "s2")])
            assert not seen.gap

    asyncio.run(story())


def test_a_settled_gateway_writes_nothing() -> None:
    """Without requests, looking again and again writes no file."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(timeout=0.1))
            await scene.send("fraud", 3)
            await until(scene, lambda seen: bool(seen.counts) and seen.counts[0].settled.requests == 3)
            before = {path: path.stat().st_mtime_ns for path in Path(scene.folder).rglob("*") if path.is_file()}
            for _ in range(5):
                await scene.traffic.start()
                await scene.traffic.apply(TrafficWish("1.1", (piece(timeout=0.1),), scene.traffic._running.endpoints))
                await scene.traffic.counts(scene.clock.now())
            after = {path: path.stat().st_mtime_ns for path in Path(scene.folder).rglob("*") if path.is_file()}
            assert before == after

    asyncio.run(story())
