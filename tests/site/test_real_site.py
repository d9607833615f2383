"""A real site: agent, gateway and model servers as processes, killed one after the other under load."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2

from tests.adapters.replicas.scenes import good, store_release
from tests.adapters.traffic.scenes import Answer, Caller, Load, eventually, free_port
from tests.adapters.uplink.scenes import ControlPlane
from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.keys import load_signer, make_key
from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice, SitePlan
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import short
from windlass.kernel.records import to_json
from windlass.ports.sites import SignedPlan

BODY = b'{"x": 1.0}'
JSON = {"content-type": "application/json"}


class PredictingLoad(Load):
    """A load of real predictions."""

    async def _send(self, number: int) -> None:
        caller = Caller(self._port)
        while not self._ending:
            self.answers.append(await caller.call(self._path, JSON, BODY))
            await asyncio.sleep(self._pause)
        caller.close()


class RealSite:
    """One site in a folder, its control plane in the test's own process."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.control = ControlPlane(folder)
        self.agent: subprocess.Popen[bytes] | None = None
        self.generation = 0
        self.first = self.second = ""
        os.makedirs(f"{folder}/site")
        make_key(f"{folder}/signing.key")
        self._signer = load_signer(f"{folder}/signing.key")
        Path(folder, "site", "public.key").write_text(self._signer.public())

    async def open(self) -> None:
        artifacts = FileArtifacts(f"{self.folder}/store")
        self.first = await store_release(artifacts, good(1.0, seconds=0.005))
        self.second = await store_release(artifacts, good(2.0, seconds=0.005))
        await self.control.open()
        self.start_agent()

    def start_agent(self) -> None:
        argv = [sys.executable, "-m", "tests.site.agent_process", self.folder, str(self.port)]
        with open(f"{self.folder}/agent.txt", "ab") as log:
            self.agent = subprocess.Popen(argv, stdout=log, stderr=log)

    def kill_agent(self) -> None:
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait()

    def publish(self, weight: int, *, seen: int = 0) -> None:
        """A plan that gives the second release `weight` per cent."""
        self.generation += 1
        shares = [Route(self.first, 100 * (100 - weight), "champion"), Route(self.second, 100 * weight, "candidate")]
        piece = ServiceSlice(
            "fraud",
            f"s{self.generation}",
            tuple(one for one in shares if one.weight),
            (ReplicaSet(self.first, 1), ReplicaSet(self.second, 1)),
            salt="r1",
            way_back=self.first,
            seen_entry=seen,
        )
        payload = canonical_bytes(to_json(SitePlan("local", self.generation, (piece,)))).decode()
        self.control.publish(SignedPlan("local", self.generation, payload, self._signer.sign(payload.encode())))

    async def in_force(self) -> None:
        """Wait until the site reports the newest plan as routed."""
        await eventually(lambda: self._is_in_force())

    def _is_in_force(self) -> bool:
        if not self.control.arrived:
            return False
        last = self.control.arrived[-1]
        return last.generation == self.generation and not last.unready and not last.stuck

    async def predict(self) -> Answer:
        caller = Caller(self.port)
        answer = await caller.call("/predict/fraud", JSON, BODY)
        caller.close()
        return answer

    def processes(self) -> dict[str, int]:
        """Pids by what they are: `gateway`, and each release's first twelve digits."""
        gateway = json.loads(Path(self.folder, "site", "gateway", "process.json").read_text())
        replicas = json.loads(Path(self.folder, "site", "processes.json").read_text())
        return {"gateway": gateway["pid"], **{short(one["wanted"]["release"]): one["pid"] for one in replicas}}

    async def lose_replica(self, load: Load, kill: Callable[[int], object]) -> None:
        """After some answers kill the only replica, and wait for the next process."""
        await load.more(20)
        pid = self.processes()[short(self.first)]
        kill(pid)
        await eventually(lambda: self.processes()[short(self.first)] != pid)

    async def at_socket(self, method: str, path: str, body: object = None) -> Any:
        """The answer at the site's own door, as soon as that is open."""
        await eventually(lambda: is_open(f"{self.folder}/site.sock"))
        transport = httpx2.AsyncHTTPTransport(uds=f"{self.folder}/site.sock")
        async with httpx2.AsyncClient(transport=transport, base_url="http://site", timeout=30.0) as client:
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def close(self) -> None:
        try:
            await self.at_socket("POST", "/down")
        except BaseException:
            sys.stderr.write(Path(self.folder, "agent.txt").read_text())
            for pid in self.processes().values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise
        finally:
            self.kill_agent()
            await self.control.cut()
            for path, folders, _ in os.walk(self.folder):
                for name in folders:
                    os.chmod(os.path.join(path, name), 0o700)
            shutil.rmtree(self.folder)


@contextlib.asynccontextmanager
async def real_site() -> AsyncIterator[RealSite]:
    """A site that serves the first release to everybody."""
    site = RealSite(tempfile.mkdtemp(prefix="wl-"))
    await site.open()
    try:
        site.publish(0)
        await site.in_force()
        yield site
    except BaseException:
        sys.stderr.write(Path(site.folder, "agent.txt").read_text())
        raise
    finally:
        await site.close()


def releases(load: Load) -> set[str]:
    return {answer.headers.get("x-windlass-release", "") for answer in load.answers}


def test_a_rollout_loses_no_request() -> None:
    """From the first release to the second, through a share of 30 %, and back: every caller gets a prediction."""

    async def story() -> None:
        async with real_site() as site:
            async with PredictingLoad(site.port, per_second=100) as load:
                for weight in (30, 100, 0):
                    site.publish(weight)
                    await site.in_force()
                    await load.more(30)
            assert {200: len(load.answers)} == load.statuses, [one for one in load.answers if one.status != 200][:3]
            assert {short(site.first), short(site.second)} == releases(load)
            await eventually(lambda: len(load.answers) == counted(site))
            assert not any(report.gap for report in site.control.arrived)

    asyncio.run(story())


def test_killed_replicas_lose_no_request() -> None:
    """kill -9 of the only replica, three times under load: its callers wait for the next process."""

    async def story() -> None:
        async with real_site() as site:
            async with PredictingLoad(site.port, per_second=50) as load:
                for _ in range(3):
                    await site.lose_replica(load, lambda pid: os.kill(pid, signal.SIGKILL))
                await load.more(50)
            assert {200: len(load.answers)} == load.statuses, [one for one in load.answers if one.status != 200][:3]

    asyncio.run(story())


def test_a_killed_agent_loses_no_request() -> None:
    """kill -9 of the agent under load, with the control plane dead: callers notice nothing, and the next agent adopts
    gateway and replicas and mends what crashes."""

    async def story() -> None:
        async with real_site() as site:
            await site.control.cut()
            Path(site.folder, "api.sock").unlink(missing_ok=True)
            before = site.processes()
            async with PredictingLoad(site.port, per_second=50) as load:
                await load.more(20)
                site.kill_agent()
                await load.more(50)
                site.start_agent()
                while not is_ready(await site.at_socket("GET", "/status")):
                    await asyncio.sleep(0.05)
                assert before == site.processes()
                os.kill(before[short(site.first)], signal.SIGKILL)
                await eventually(lambda: site.processes() != before)
                await load.more(50)
            assert {200: len(load.answers)} == load.statuses, [one for one in load.answers if one.status != 200][:3]

    asyncio.run(story())


def test_everything_killed_starts_again_from_disk() -> None:
    """Agent, gateway and replicas killed, the control plane gone: the next agent serves the stored plan."""

    async def story() -> None:
        async with real_site() as site:
            await site.control.cut()
            Path(site.folder, "api.sock").unlink(missing_ok=True)
            before = site.processes()
            site.kill_agent()
            for pid in before.values():
                os.kill(pid, signal.SIGKILL)
            assert 0 == (await site.predict()).status
            site.start_agent()
            while (answer := await site.predict()).status != 200:
                await asyncio.sleep(0.05)
            assert short(site.first) == answer.headers["x-windlass-release"]
            assert not set(before.values()) & set(site.processes().values())

    asyncio.run(story())


def test_a_person_goes_back_at_the_site() -> None:
    """With the control plane dead a rollback at the socket moves all of the traffic, and survives the agent's death."""

    async def story() -> None:
        async with real_site() as site:
            site.publish(50)
            await site.in_force()
            await site.control.cut()
            async with PredictingLoad(site.port, per_second=50) as load:
                answer = await site.at_socket(
                    "POST", "/rollback", {"service": "fraud", "who": "ann", "reason": "it lies"}
                )
                assert (site.second, site.first) == (answer["leaves"], answer["returns_to"])
                moved = len(load.answers) + 8  # what was under way while the answer came
                await load.more(40)
                site.kill_agent()
                site.start_agent()
                await load.more(40)
            assert {200: len(load.answers)} == load.statuses, [one for one in load.answers if one.status != 200][:3]
            last = {answer.headers["x-windlass-release"] for answer in load.answers[moved:]}
            assert {short(site.first)} == last

    asyncio.run(story())


def is_open(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def is_ready(status: Any) -> bool:
    states = [one["state"] for service in status["services"] for one in service["replicas"]]
    return bool(states) and set(states) == {"ready"}


def counted(site: RealSite) -> int:
    return sum(one.finished.requests for one in site.control.arrived[-1].counts)
