"""A gateway that is not well: what is said, and what goes on."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.adapters.traffic.scenes import Upstream, envoy_scene, eventually, free_port
from windlass.adapters.traffic.envoy import EnvoySettings, EnvoyTraffic, admin, process, traffic
from windlass.adapters.world import RealClock
from windlass.kernel.errors import Unavailable
from windlass.ports.traffic import Endpoints, TrafficWish
from windlass.testing.conformance.traffic import A, B, piece, wish


def test_endpoints_that_the_gateway_refuses_stop_their_service_alone() -> None:
    """A socket whose path is too long: its service stays as it was and says so, the other one moves."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(), piece(service="churn"))
            wrong = Endpoints("fraud", B, (f"{scene.folder}/{'x' * 120}.sock",))
            good = tuple(scene.endpoints(*pair) for pair in (("churn", A), ("churn", B), ("fraud", A)))
            services = (piece("s2", 10_000, "churn"), piece("s2", 10_000))
            applied = await scene.traffic.apply(TrafficWish("1.2", services, (*good, wrong)))
            assert ["fraud"] == list(applied.stuck)
            assert "endpoints of release bbbbbbbbbbbb" in applied.stuck["fraud"]
            assert {A: 3} == await scene.send("fraud", 3)
            assert {B: 3} == await scene.send("churn", 3)

    asyncio.run(story())


def test_a_silent_gateway_is_unavailable() -> None:
    """A frozen gateway is no confirmation: applying says so in time, and works when it is awake again."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            pid = _recorded_pid(scene.folder)
            os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises(Unavailable, match="does not answer"):
                    await wish(scene, "1.2", piece("s2", 10_000))
                await scene.traffic.counts(scene.clock.now())  # counting goes on without it
            finally:
                os.kill(pid, signal.SIGCONT)
            await wish(scene, "1.2", piece("s2", 10_000))
            assert {B: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_gateway_that_hangs_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers nothing for long enough is ended, and its successor serves what it served; a short silence is
    borne."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            pid = _recorded_pid(scene.folder)
            os.kill(pid, signal.SIGSTOP)
            monkeypatch.setattr(admin, "ANSWER_SECONDS_MAX", 0.1)
            for _ in range(traffic.SILENT_QUESTIONS):
                await scene.traffic.counts(scene.clock.now())
                await scene.traffic.start()
            assert pid == _recorded_pid(scene.folder)
            monkeypatch.setattr(traffic, "SILENT_SECONDS_MAX", 0.0)
            monkeypatch.setattr(admin, "ANSWER_SECONDS_MAX", 5.0)
            await scene.traffic.start()
            assert pid != _recorded_pid(scene.folder)
            assert not _cmdline(pid)
            assert {A: 3} == await scene.send("fraud", 3)
            await scene.traffic.counts(scene.clock.now())
            await scene.traffic.start()  # it answers: nothing is ended any more
            assert {A: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_gateway_that_nobody_wrote_down_is_adopted() -> None:
    """The agent may be killed after it has started the gateway and before it knows it: the next one finds it."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            pid = _recorded_pid(scene.folder)
            Path(scene.folder, "site", "gateway", "process.json").unlink()
            again = scene.again()
            await again.start()
            assert pid == _recorded_pid(scene.folder)
            await wish(scene, "1.2", piece("s2", 10_000))
            assert {B: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_gateway_that_does_not_come_up_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A binary that runs and never answers is killed, so that the next try finds the port free."""

    async def story() -> None:
        async with envoy_scene() as scene:
            monkeypatch.setattr(process, "START_SECONDS_MAX", 0.2)
            folder = f"{scene.folder}/x"
            os.mkdir(folder)
            binary = Path(folder, "asleep")
            binary.write_text("#!/bin/sh\nexec sleep 60\n")
            binary.chmod(0o700)
            settings = EnvoySettings(f"{folder}/site/gateway", f"{folder}/e", free_port(), binary=str(binary))
            with pytest.raises(Unavailable, match="did not come up"):
                await EnvoyTraffic(settings, RealClock()).start()
            pid = json.loads(Path(folder, "site", "gateway", "process.json").read_text())["pid"]
            await eventually(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not _cmdline(pid))

    asyncio.run(story())


def test_records_that_cannot_be_read_count_as_none() -> None:
    """Half a file about the process or the last wish does not keep the gateway from starting."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            await scene.traffic.stop()
            for name in ("process.json", "wish.json", "routes.json", "clusters.json"):
                Path(scene.folder, "site", "gateway", name).write_text('{"half"')
            await scene.again().start()
            assert {} == await scene.send("fraud", 1)
            await wish(scene, "1.2", piece())
            assert {A: 3} == await scene.send("fraud", 3)

    asyncio.run(story())


def test_a_long_log_is_set_aside() -> None:
    """What Envoy says about itself does not grow for ever."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await scene.traffic.stop()
            log = Path(scene.folder, "site", "gateway", "envoy.txt")
            log.write_text("x" * (process.LOG_BYTES_MAX + 1))
            await scene.again().start()
            assert log.stat().st_size < 10_000
            assert Path(f"{log}.1").exists()

    asyncio.run(story())


def test_stopping_lets_running_requests_end() -> None:
    """The gateway that goes down answers what it works on, and is gone afterwards."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece(timeout=20.0))
            slow = scene.upstreams[("fraud", A)]
            slow.delay = 1.0
            running = asyncio.create_task(scene.caller.call("/predict/fraud"))
            await eventually(lambda: len(slow.heads) == 1)
            await scene.traffic.stop()
            assert 200 == (await running).status
            assert 1 == sum(one.finished.requests for one in (await scene.traffic.counts(scene.clock.now())).counts)
            assert 0 == (await scene.caller.call("/predict/fraud")).status
            await scene.traffic.stop()

    asyncio.run(story())


def test_no_caller_steers_the_gateway() -> None:
    """Headers that Envoy obeys when they come from inside are not obeyed when they come from a caller."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            headers = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-max-retries": "9", "x-forwarded-for": "10.0.0.1"}
            scene.upstreams[("fraud", A)].delay = 0.2
            assert 200 == (await scene.caller.call("/predict/fraud", headers)).status

    asyncio.run(story())


def test_request_ids_are_kept_or_made() -> None:
    """The id of a request is echoed as it was sent, and made where there is none; the replica sees the same one."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await wish(scene, "1.1", piece())
            sent = "11111111-2222-4333-8444-555555555555"
            answer = await scene.caller.call("/predict/fraud", {"x-request-id": sent})
            assert sent == answer.headers["x-request-id"]
            assert f"x-request-id: {sent}" in scene.upstreams[("fraud", A)].heads[-1]
            made = (await scene.caller.call("/nowhere")).headers["x-request-id"]
            assert 36 == len(made)

    asyncio.run(story())


def test_errors_speak_the_routes_protocol() -> None:
    """The gateway's own errors are `error` under /v2 and problems elsewhere, and say when to come back."""

    async def story() -> None:
        async with envoy_scene() as scene:
            await scene.traffic.apply(TrafficWish("1.1", (piece(),), ()))
            gone = await Upstream(f"{scene.folder}/gone.sock", "gone").start()
            await gone.close()
            ends = Endpoints("churn", A, (gone.path,))
            await scene.traffic.apply(TrafficWish("1.2", (piece(), piece(service="churn")), (ends,)))
            expected = {
                "/v2/models/fraud/infer": (503, "error", "no ready replica"),
                "/predict/fraud": (503, "detail", "no ready replica"),
                "/v2/models/churn/infer": (503, "error", "upstream connect error"),
                "/predict/churn": (503, "title", "upstream connect error"),
                "/v2/models/nobody": (404, "error", "services: fraud, churn"),
                "/predict/nobody": (404, "detail", "services: fraud, churn"),
                "/": (404, "detail", "/predict/<service>"),
                "/v2/models/churn/versions/cccccccccccc": (404, "error", "aaaaaaaaaaaa"),
                "/v2/repository/models/churn/load": (403, "error", "Git decides"),
            }
            for path, (status, key, words) in expected.items():
                answer = await scene.caller.call(path)
                body = json.loads(answer.body)
                assert (status, True) == (answer.status, words in body[key]), (path, body)
                kind = "application/json" if key == "error" else "application/problem+json"
                assert kind == answer.headers["content-type"], path
                assert (status == 503) == ("retry-after" in answer.headers), path
                assert key == "error" or status == body["status"]
            ready = await scene.caller.call("/readyz", method="GET")
            assert (503, ["fraud"]) == (ready.status, json.loads(ready.body)["unready"])
            index = json.loads((await scene.caller.call("/v2/repository/index")).body)
            assert [("fraud", "UNAVAILABLE"), ("churn", "READY")] == [(one["name"], one["state"]) for one in index]

    asyncio.run(story())


def _recorded_pid(folder: str) -> int:
    return int(json.loads(Path(folder, "site", "gateway", "process.json").read_text())["pid"])


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
