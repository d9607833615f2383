"""Commands of the user end when they should, leave nothing behind, and say what happened."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.processes.scenes import DEADLINE_SECONDS, STUBBORN, alive, pids, wait_until
from windlass.adapters.processes import families
from windlass.adapters.processes.local import LocalProcesses
from windlass.ports.processes import Command, Ended


def run(command: Command, processes: LocalProcesses | None = None) -> Ended:
    return asyncio.run((processes or LocalProcesses()).run(command))


def python(folder: Path, code: str, **limits: object) -> Command:
    argv = (sys.executable, "-c", code)
    return Command(argv, str(folder), {"PATH": os.environ["PATH"]}, str(folder / "log.txt"), **limits)  # type: ignore[arg-type]


def shell(folder: Path, line: str) -> Command:
    return Command(("sh", "-c", line), str(folder), {"PATH": os.environ["PATH"]}, str(folder / "log.txt"))


async def run_and_cancel(command: Command, started: Callable[[], bool]) -> float:
    """Run a command, cancel it once it has started; the seconds that the cancel took."""
    task = asyncio.ensure_future(LocalProcesses().run(command))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not started():
            await asyncio.sleep(0.02)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


def test_output_and_exit_code(tmp_path: Path) -> None:
    """What a command says goes into the log and its tail, standard error too, and its exit code comes back in words."""
    ended = run(shell(tmp_path, "echo out; echo err >&2; exit 7"))
    assert (7, "", "it ended with exit code 7") == (ended.exit_code, ended.trouble, ended.words)
    assert "out\nerr\n" == (tmp_path / "log.txt").read_text() == ended.tail


def test_a_good_end_needs_no_words(tmp_path: Path) -> None:
    """Exit code 0 has no trouble and no words, and says what the command cost."""
    ended = run(python(tmp_path, "import time; x = bytearray(60 << 20); time.sleep(0.25)"))
    assert (0, "", "") == (ended.exit_code, ended.trouble, ended.words)
    assert ended.peak_memory_bytes > 60 << 20
    assert ended.seconds > 0.2


def test_the_environment_is_the_given_one(tmp_path: Path) -> None:
    """A command sees the variables it was given, and marks, and none of ours."""
    run(python(tmp_path, "import os; print(sorted(os.environ))"))
    assert "['LC_CTYPE', 'PATH', 'WINDLASS_RUN']" == (tmp_path / "log.txt").read_text().strip()


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """A command that cannot be started ends with code 127 and says why."""
    ended = run(Command(("./no-such-program",), str(tmp_path), {}))
    assert (127, "", "./no-such-program cannot be started: No such file or directory") == (
        ended.exit_code,
        ended.trouble,
        ended.words,
    )


def test_death_by_a_signal_is_named(tmp_path: Path) -> None:
    """A command that was killed says by which signal."""
    ended = run(shell(tmp_path, "kill -9 $$"))
    assert -9 == ended.exit_code
    assert "it was ended by signal 9 (SIGKILL); often the machine was out of memory" == ended.words


def test_a_cancel_ends_stubborn_processes(tmp_path: Path) -> None:
    """A cancel ends forked, daemonised and SIGTERM-proof processes, all of them, at once."""
    log = tmp_path / "log.txt"
    seconds = asyncio.run(run_and_cancel(python(tmp_path, STUBBORN), lambda: len(pids(log)) == 4))
    assert [] == alive(pids(log))
    assert seconds < 3.0  # about 0.4 where nothing else runs


def test_a_cancel_lets_the_polite_tidy_up(tmp_path: Path) -> None:
    """A command that heeds SIGTERM may still write its last words."""
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit('tidied'))\n"
    code += "print('ready', flush=True)\nwhile True: time.sleep(1)"
    log = tmp_path / "log.txt"
    asyncio.run(run_and_cancel(python(tmp_path, code), lambda: log.exists() and "ready" in log.read_text()))
    assert "ready\ntidied\n" == log.read_text()


def test_leftovers_of_a_good_command_go_too(tmp_path: Path) -> None:
    """What a command leaves running in the background is ended when the command ends."""
    run(shell(tmp_path, "setsid sleep 1000 & echo pid $!; exit 0"))
    assert len(pids(tmp_path / "log.txt")) == 1
    assert [] == alive(pids(tmp_path / "log.txt"))


def test_too_much_memory(tmp_path: Path) -> None:
    """A family of processes that together hold more memory than the limit is ended, and the limit is named."""
    code = "import os, time\nif os.fork(): pass\nx = bytearray(b'1') * (80 << 20)\ntime.sleep(1000)"
    ended = run(python(tmp_path, code, memory_bytes_max=120 << 20))
    assert ("limit", "it held more memory than its limit of 120 Mi and was ended") == (ended.trouble, ended.words)
    assert ended.peak_memory_bytes > 120 << 20


def test_shared_memory_counts_once_against_the_limit(tmp_path: Path) -> None:
    """Forked processes that share their memory are not ended for holding it twice."""
    code = "import os, time\nx = bytearray(b'1') * (80 << 20)\nif os.fork(): os.wait()\nelse: time.sleep(1)"
    ended = run(python(tmp_path, code, memory_bytes_max=140 << 20))
    assert (0, "") == (ended.exit_code, ended.trouble)
    assert ended.peak_memory_bytes > 140 << 20


def test_too_long(tmp_path: Path) -> None:
    """A command that runs longer than its limit is ended, and the limit is named."""
    ended = run(python(tmp_path, STUBBORN, seconds_max=0.5))
    assert ("limit", "it ran longer than its limit of 0 s and was ended") == (ended.trouble, ended.words)
    assert [] == alive(pids(tmp_path / "log.txt"))


def test_a_full_disk_is_no_fault_of_the_user(tmp_path: Path) -> None:
    """A command that fails because the disk is full is told apart from one that fails by itself."""
    ended = run(shell(tmp_path, "echo 'OSError: [Errno 28] No space left on device'; exit 1"))
    assert ("disk", "the disk was full") == (ended.trouble, ended.words)


def test_an_endless_log_stays_small(tmp_path: Path) -> None:
    """Of a log that grows over its limit the head and the tail are kept."""
    code = "print('head')\nfor number in range(200_000): print('line', number)\nprint('tail')"
    ended = run(python(tmp_path, code), LocalProcesses(log_bytes_max=400_000))
    text = (tmp_path / "log.txt").read_text()
    assert len(text) < 500_000
    assert text.startswith("head\nline 0\n") and text.endswith("line 199999\ntail\n")
    assert 1 == text.count("the middle of this log was left out")
    assert ended.tail.endswith("line 199999\ntail\n")


def test_secrets_never_reach_the_log(tmp_path: Path) -> None:
    """A secret is replaced in log and tail, also where the output comes in pieces, and the rest comes through whole."""
    code = "import sys, time\nfor c in 'a hunter22 b hunt':\n sys.stdout.write(c); sys.stdout.flush(); time.sleep(0.01)"
    ended = run(python(tmp_path, code, hidden=("hunter22",)))
    assert "a *** b hunt" == (tmp_path / "log.txt").read_text() == ended.tail


def test_without_a_log(tmp_path: Path) -> None:
    """A command without a log still hands back its last lines."""
    ended = run(Command(("sh", "-c", "seq 10000"), str(tmp_path), {"PATH": os.environ["PATH"]}))
    assert ended.tail.endswith("9999\n10000\n") and len(ended.tail) <= 8192


def test_a_killed_guard_takes_its_command_along(tmp_path: Path) -> None:
    """When the guard itself is killed nothing is left over, and the answer says so."""
    log = tmp_path / "log.txt"

    async def scene() -> Ended:
        task = asyncio.ensure_future(LocalProcesses().run(python(tmp_path, STUBBORN)))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(pids(log)) < 4:
                await asyncio.sleep(0.02)
        first = families.member_of(min(pids(log)))
        assert first
        os.kill(first.parent, signal.SIGKILL)
        return await task

    ended = asyncio.run(scene())
    assert "crash" == ended.trouble
    wait_until(lambda: alive(pids(log)) == [])


def test_a_killed_caller_leaves_no_orphan(tmp_path: Path) -> None:
    """After kill -9 of the process that asked for the command every process of the command ends."""
    log = tmp_path / "log.txt"
    caller = (
        "import asyncio, sys\nfrom windlass.adapters.processes.local import LocalProcesses\n"
        "from windlass.ports.processes import Command\n"
        f"argv = (sys.executable, '-c', {STUBBORN!r})\n"
        f"asyncio.run(LocalProcesses().run(Command(argv, {str(tmp_path)!r}, {{}}, {str(log)!r})))"
    )
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", caller], dict(os.environ))
    wait_until(lambda: len(pids(log)) == 4)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_until(lambda: alive(pids(log)) == [])
