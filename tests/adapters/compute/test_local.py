"""Jobs as processes of this machine keep the promises of the port, and outlive who started them."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from windlass.adapters.compute.local import LocalCompute
from windlass.adapters.processes import families
from windlass.kernel.errors import Bug, Unavailable
from windlass.ports.compute import JobSeen
from windlass.testing.conformance.compute import ComputeConformance, job, until

LAUNCH = (sys.executable, str(Path(__file__).with_name("jobs.py")))


@pytest.fixture
def compute(tmp_path: Path) -> Iterator[LocalCompute]:
    compute = LocalCompute(str(tmp_path), LAUNCH)
    yield compute
    asyncio.run(forget_all(compute))


async def forget_all(compute: LocalCompute) -> None:
    for seen in await compute.look():
        await compute.forget(seen.job)


def has_ended(seen: JobSeen) -> bool:
    return seen.state != "running"


class TestLocalCompute(ComputeConformance):
    """The kit, with real processes."""


def test_a_new_control_plane_adopts_what_runs(tmp_path: Path, compute: LocalCompute) -> None:
    """A job outlives its starter: the next one sees it running, does not start it again, and can stop it."""
    starter = (
        "import asyncio, sys\nfrom windlass.adapters.compute.local import LocalCompute\n"
        "from windlass.testing.conformance.compute import job\n"
        f"asyncio.run(LocalCompute({str(tmp_path)!r}, {LAUNCH!r}).start(job('build-1', 'hang')))"
    )
    subprocess.run([sys.executable, "-c", starter], check=True)

    async def scene() -> tuple[JobSeen, JobSeen]:
        seen = (await compute.look())[0]
        await compute.start(job("build-1", "finish"))
        await compute.stop("build-1")
        return seen, await until(compute, "build-1", has_ended)

    seen, ended = asyncio.run(scene())
    assert ("running", "cancelled") == (seen.state, ended.trouble)


def test_a_start_cut_short_is_seen(tmp_path: Path, compute: LocalCompute) -> None:
    """A job whose starter was killed before it noted the pid is seen as running, and can be stopped."""

    async def scene() -> tuple[JobSeen, JobSeen]:
        await compute.start(job("build-1", "hang"))
        (tmp_path / "control/jobs/build-1/process.json").unlink()
        await compute.start(job("build-1", "finish"))
        seen = (await compute.look())[0]
        await compute.stop("build-1")
        (tmp_path / "control/jobs/build-1/process.json").write_text("{}")
        return seen, (await compute.look())[0]

    seen, ended = asyncio.run(scene())
    assert ("running", "failed") == (seen.state, ended.state)


def test_a_job_that_was_never_started_starts(tmp_path: Path, compute: LocalCompute) -> None:
    """A request that was written, and then the power failed, is no known job: starting it starts it."""
    folder = tmp_path / "control/jobs/build-1"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text("{}")

    async def scene() -> JobSeen:
        assert () == await compute.look()
        await compute.start(job("build-1", "finish"))
        return await until(compute, "build-1", has_ended)

    assert "done" == asyncio.run(scene()).state


def test_stop_ends_what_the_job_left(tmp_path: Path, compute: LocalCompute) -> None:
    """A stop ends processes of the job that left its session and ignore signals."""
    note = tmp_path / "control/jobs/build-1/daemon"

    async def scene() -> int:
        await compute.start(job("build-1", "nest"))
        async with asyncio.timeout(60):
            while not note.exists() or not note.read_text():
                await asyncio.sleep(0.02)
        pid = int(note.read_text())
        await compute.stop("build-1")
        return pid

    member = families.member_of(asyncio.run(scene()))
    assert member is None or member.is_zombie


def test_another_process_of_the_same_pid_is_left_alone(tmp_path: Path, compute: LocalCompute) -> None:
    """A stop never ends a process that merely has the pid that the job once had."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:

        async def scene() -> None:
            await compute.start(job("build-1", "hang"))
            path = tmp_path / "control/jobs/build-1/process.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": other.pid}))
            await compute.stop("build-1")

        asyncio.run(scene())
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_crash_tells_its_last_words(compute: LocalCompute) -> None:
    """A job that crashed is reported with the last line that its process wrote."""

    async def scene() -> JobSeen:
        await compute.start(job("build-1", "crash"))
        return await until(compute, "build-1", has_ended)

    assert "the job's process ended without a result: bad luck" == asyncio.run(scene()).words


def test_a_torn_result_is_no_result(tmp_path: Path, compute: LocalCompute) -> None:
    """A result that was cut short counts as none: the job has crashed."""

    async def scene() -> JobSeen:
        await compute.start(job("build-1", "finish"))
        await until(compute, "build-1", has_ended)
        (tmp_path / "control/jobs/build-1/result.json").write_text('{"state": "do')
        return await until(compute, "build-1", has_ended)

    assert ("failed", "crash") == (lambda seen: (seen.state, seen.trouble))(asyncio.run(scene()))


def test_forget_removes_what_cannot_be_written(tmp_path: Path, compute: LocalCompute) -> None:
    """A job's folder goes away although its commands took the rights to it away; links out of it are not followed."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)

    async def scene() -> None:
        await compute.start(job("build-1", "finish"))
        await until(compute, "build-1", has_ended)
        locked = tmp_path / "control" / "jobs" / "build-1" / "work" / "locked"
        locked.mkdir(parents=True)
        (locked / "file").touch()
        (locked / "link").symlink_to(outside)
        locked.chmod(0o000)
        await compute.forget("build-1")

    asyncio.run(scene())
    assert not (tmp_path / "control/jobs/build-1").exists()
    assert 0o500 == outside.stat().st_mode & 0o777


def test_job_names_stay_in_their_folder(compute: LocalCompute) -> None:
    """A job's id cannot lead out of the folder of jobs."""
    with pytest.raises(Bug, match="cannot be called"):
        asyncio.run(compute.start(job("../evil", "finish")))


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """Where no process can be started the reason is named, and the job stays unknown."""
    compute = LocalCompute(str(tmp_path), ("/no/such/python",))
    with pytest.raises(Unavailable, match="cannot be started: No such file"):
        asyncio.run(compute.start(job("build-1", "finish")))
    assert () == asyncio.run(compute.look())


def test_ended_jobs_leave_no_zombies(tmp_path: Path, compute: LocalCompute) -> None:
    """Looking at jobs lets go of their ended processes."""

    async def scene() -> None:
        await compute.start(job("build-1", "finish"))
        pid = json.loads((tmp_path / "control/jobs/build-1/process.json").read_text())["pid"]
        await until(compute, "build-1", lambda seen: families.member_of(pid) is None)

    asyncio.run(scene())
