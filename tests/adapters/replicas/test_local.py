"""Model servers as real processes: they outlive the agent, and their sockets outlive them."""

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.replicas.scenes import ReplicaScene, good, replica_scene, store_release
from windlass.adapters.processes.families import member_of
from windlass.adapters.replicas import local
from windlass.adapters.world import files
from windlass.adapters.world.files import disk_trouble
from windlass.ports.replicas import ReplicaWanted
from windlass.testing.conformance.replicas import until

DEADLINE_SECONDS = 60.0


async def ask(path: str, service: str = "fraud") -> tuple[int, float]:
    """Predict one row straight at a replica's socket; waits as long as it takes."""
    reader, writer = await asyncio.open_unix_connection(path)
    body = b'{"x": 1.0}'
    head = f"POST /predict/{service} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    status = int(answer.split(b" ", 2)[1])
    return status, json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"][0] if status == 200 else 0.0


def wanted(scene: ReplicaScene, name: str = "fraud-0", memory_bytes: int = 0) -> ReplicaWanted:
    return ReplicaWanted(name, "fraud", scene.good, memory_bytes, 5.0)


def test_requests_wait_while_the_model_loads() -> None:
    """A request that comes before the process has even started is answered when it is ready."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            path = (await scene.replicas.look())[0].socket
            assert (200, 1.0) == await ask(path)

    asyncio.run(story())


def test_a_crashed_replicas_callers_wait_for_its_successor() -> None:
    """After kill -9 new connections are not refused: the next process answers them."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            first = await until(scene, "fraud-0", "ready")
            os.kill(first.pid, signal.SIGKILL)
            await until(scene, "fraud-0", "failed")
            waiting = [asyncio.create_task(ask(first.socket)) for _ in range(5)]
            await scene.replicas.start(wanted(scene))
            assert [(200, 1.0)] * 5 == list(await asyncio.gather(*waiting))

    asyncio.run(story())


def test_the_next_agent_adopts_replicas_and_their_sockets() -> None:
    """A new agent finds the same process, gets the listening socket back, and callers wait over the next crash too."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            first = await until(scene, "fraud-0", "ready")
            scene.replicas.close()
            scene.again()
            assert first == await until(scene, "fraud-0", "ready")
            assert (200, 1.0) == await ask(first.socket)
            os.kill(first.pid, signal.SIGKILL)
            waiting = asyncio.create_task(ask(first.socket))
            await until(scene, "fraud-0", "failed")
            await scene.replicas.start(wanted(scene))
            assert (200, 1.0) == await waiting

    asyncio.run(story())


def test_a_replica_that_nobody_wrote_down_is_adopted() -> None:
    """An agent that is killed right after it started a replica leaves no process behind for ever: the next one that
    wants this replica finds it at its socket."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            first = await until(scene, "fraud-0", "ready")
            scene.replicas.close()
            os.remove(f"{scene.folder}/site/processes.json")
            scene.again()
            assert () == await scene.replicas.look()
            await scene.replicas.start(wanted(scene))
            assert first == await until(scene, "fraud-0", "ready")
            assert (200, 1.0) == await ask(first.socket)
            assert str(first.pid) in Path(scene.folder, "site/processes.json").read_text()

    asyncio.run(story())


def test_a_full_disk_ends_no_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica whose number cannot be written down answers all the same, one that is stopped goes, and the numbers are
    written once there is room."""
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(path: str, data: bytes, mode: int = 0o600) -> None:
        raise disk_trouble(full, path)

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene, "fraud-1"))
            await until(scene, "fraud-1", "ready")
            with monkeypatch.context() as patched:
                patched.setattr(files, "write_file", fail)
                await scene.replicas.start(wanted(scene))
                ready = await until(scene, "fraud-0", "ready")
                assert (200, 1.0) == await ask(ready.socket)
                await scene.replicas.stop("fraud-1", 1.0)
                async with asyncio.timeout(DEADLINE_SECONDS):
                    while len(await scene.replicas.look()) > 1:
                        await asyncio.sleep(0.02)
            await scene.replicas.look()
            stored = json.loads(Path(scene.folder, "site/processes.json").read_text())
            assert [("fraud-0", ready.pid)] == [(one["wanted"]["name"], one["pid"]) for one in stored]

    asyncio.run(story())


def test_a_replica_that_died_with_the_agent_gets_a_new_socket() -> None:
    """Agent and replica killed together: the next agent listens at the same path before the replica is back."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            first = await until(scene, "fraud-0", "ready")
            scene.replicas.close()
            os.kill(first.pid, signal.SIGKILL)
            os.waitpid(first.pid, 0)
            with pytest.raises(ConnectionRefusedError):
                await ask(first.socket)
            scene.again()
            await until(scene, "fraud-0", "failed")
            waiting = asyncio.create_task(ask(first.socket))
            await scene.replicas.start(wanted(scene))
            assert (200, 1.0) == await waiting

    asyncio.run(story())


def test_nobody_elses_process_is_ended() -> None:
    """A record whose pid belongs to another process by now: that process lives on, and the replica counts as failed."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            first = await until(scene, "fraud-0", "ready")
            # Started now, so that the kernel's clock, which ticks a hundred times a second, tells the two apart.
            stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            try:
                scene.replicas.close()
                records = Path(scene.folder, "site", "processes.json")
                stored = json.loads(records.read_text())
                stored[0]["pid"] = stranger.pid
                records.write_text(json.dumps(stored))
                scene.again()
                await until(scene, "fraud-0", "failed")
                await scene.replicas.stop("fraud-0", 0.1)
                await until(scene, "fraud-0", "gone")
                assert stranger.poll() is None
            finally:
                stranger.communicate(b"\n")
            os.kill(first.pid, signal.SIGKILL)
            os.waitpid(first.pid, 0)

    asyncio.run(story())


def test_an_unreadable_record_counts_as_none() -> None:
    """Half a file of records does not keep a site from starting."""

    async def story() -> None:
        async with replica_scene() as scene:
            Path(scene.folder, "site", "processes.json").write_text('[{"wanted"')
            assert () == await scene.again().look()

    asyncio.run(story())


def test_running_requests_end_before_a_stop() -> None:
    """A replica that is stopped answers what it works on, then its process and socket are gone."""

    async def story() -> None:
        async with replica_scene() as scene:
            mark = Path(scene.folder, "busy")
            code = good(7.0, seconds=1.0).replace("time.sleep", f"open({str(mark)!r}, 'w').close(); time.sleep")
            slow = await store_release(scene.artifacts, code)
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", slow, 0, 10.0))
            ready = await until(scene, "fraud-0", "ready")
            running = asyncio.create_task(ask(ready.socket))
            while not mark.exists():
                await asyncio.sleep(0.01)
            await scene.replicas.stop("fraud-0", 10.0)
            assert ["draining"] == [one.state for one in await scene.replicas.look()]
            assert (200, 7.0) == await running
            await until(scene, "fraud-0", "gone")
            assert not Path(ready.socket).exists()
            assert member_of(ready.pid) is None
            assert [] == json.loads(Path(scene.folder, "site", "processes.json").read_text())

    asyncio.run(story())


def test_a_replica_that_does_not_end_is_killed() -> None:
    """A frozen process does not hold up its own end for longer than it may drain."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            ready = await until(scene, "fraud-0", "ready")
            os.kill(ready.pid, signal.SIGSTOP)
            await scene.replicas.stop("fraud-0", 0.2)
            await until(scene, "fraud-0", "gone")
            assert member_of(ready.pid) is None

    asyncio.run(story())


def test_a_replica_over_its_memory_is_ended() -> None:
    """A replica that holds more than its service allows is killed, and says how much it was."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene, memory_bytes=8 << 20))
            failed = await until(scene, "fraud-0", "failed")
            assert "MiB of memory (at most 8 MiB)" in failed.words

    asyncio.run(story())


def test_a_silent_replica_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was ready and hangs as a whole is found by its silence."""
    monkeypatch.setattr(local, "SILENT_SECONDS_MAX", 0.5)

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            ready = await until(scene, "fraud-0", "ready")
            os.kill(ready.pid, signal.SIGSTOP)
            assert "did not answer" in (await until(scene, "fraud-0", "failed")).words

    asyncio.run(story())


def test_a_failed_load_says_why() -> None:
    """The last words of the process are the reason that people see."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.bad))
            failed = await until(scene, "fraud-0", "failed")
            assert "the weights are missing" in failed.words

    asyncio.run(story())


def test_a_release_that_is_not_there_fails() -> None:
    """A release whose bytes are missing or damaged never starts: only verified bytes serve."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", "blake3:" + "0" * 64))
            failed = await until(scene, "fraud-0", "failed")
            assert failed.words
            assert 0 == failed.pid

    asyncio.run(story())


def test_no_secret_of_ours_reaches_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica's environment holds what a model needs, not what Windlass was given."""
    monkeypatch.setenv("WINDLASS_GIT_TOKEN", "hunter2")

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            ready = await until(scene, "fraud-0", "ready")
            variables = Path(f"/proc/{ready.pid}/environ").read_bytes()
            assert b"hunter2" not in variables

    asyncio.run(story())


def test_a_replica_sees_the_variables_of_its_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`env:` reaches the process that serves: values as they are, references as what they refer to at this site."""
    monkeypatch.setenv("SCORING_TOKEN", "from-a-variable")
    (tmp_path / "key").write_text("from-a-file\n")
    env = {"PLAIN": "as written", "TOKEN": "env:SCORING_TOKEN", "KEY": f"file:{tmp_path / 'key'}"}

    async def story() -> None:
        async with replica_scene() as scene:
            release = await store_release(scene.artifacts, good(), env)
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", release))
            ready = await until(scene, "fraud-0", "ready")
            variables = Path(f"/proc/{ready.pid}/environ").read_bytes().split(b"\0")
            assert {b"PLAIN=as written", b"TOKEN=from-a-variable", b"KEY=from-a-file"} <= set(variables)

    asyncio.run(story())


def test_a_replica_without_its_secret_says_which() -> None:
    """A reference that leads nowhere at this site fails the replica, by the name of its key."""

    async def story() -> None:
        async with replica_scene() as scene:
            release = await store_release(scene.artifacts, good(), {"TOKEN": "env:NO_SUCH_VARIABLE_HERE"})
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", release))
            failed = await until(scene, "fraud-0", "failed")
            assert failed.words.startswith("env.TOKEN: the variable is not set; set NO_SUCH_VARIABLE_HERE where")

    asyncio.run(story())


def test_a_log_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that says too much keeps the end of what it said."""
    monkeypatch.setattr(local, "LOG_BYTES_MAX", 10_000)

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            await until(scene, "fraud-0", "ready")
            log = Path(scene.folder, "site", "logs", "fraud-0.txt")
            with log.open("a") as file:
                file.write("x" * 20_000 + "the end")
            await scene.replicas.look()
            assert log.stat().st_size < 10_000
            assert Path(f"{log}.1").read_text().endswith("xthe end")

    asyncio.run(story())


def test_a_path_too_long_for_a_socket_fails_with_words() -> None:
    """A replica whose socket nobody could open is failed with the reason, and no process starts."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene, "x" * 90))
            assert "too long" in (await until(scene, "x" * 90, "failed")).words

    asyncio.run(story())


def test_what_listens_is_private() -> None:
    """Only its user may talk to a replica's sockets."""

    async def story() -> None:
        async with replica_scene() as scene:
            await scene.replicas.start(wanted(scene))
            ready = await until(scene, "fraud-0", "ready")
            for path in (ready.socket, ready.socket.replace(".sock", ".ctl")):
                assert 0o600 == Path(path).stat().st_mode & 0o777
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(path)

    asyncio.run(story())


def test_a_hanging_prediction_ends_its_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that never returns holds its replica for some time-outs; then the replica is ended, and says why."""
    monkeypatch.setattr(local, "HEALTH_SECONDS", 0.1)

    async def story() -> None:
        async with replica_scene() as scene:
            hanging = await store_release(scene.artifacts, good(1.0, seconds=600.0))
            await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", hanging, 0, 0.2))
            ready = await until(scene, "fraud-0", "ready")
            running = asyncio.create_task(ask(ready.socket))
            assert "a prediction hangs" == (await until(scene, "fraud-0", "failed")).words
            await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 60.0)

    asyncio.run(story())
