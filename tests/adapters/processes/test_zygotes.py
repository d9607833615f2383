"""A process that is forked from loaded libraries behaves as one that was started anew, and ends as surely."""

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
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.processes.scenes import DEADLINE_SECONDS, STUBBORN, alive, pids, wait_until
from windlass.adapters.processes import families
from windlass.adapters.processes.detached import Launch, launch, look_at
from windlass.adapters.processes.listeners import listen
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.processes.priority import NICE
from windlass.adapters.processes.zygotes import CannotFork, Fork, Zygotes, fork_detached
from windlass.kernel.digests import Digest
from windlass.ports.environments import Environment
from windlass.ports.processes import Command, Ended, ModuleCall

LIBRARY = "import os\nloaded_by = os.getpid()\n"
SAYS = "import json, loaded, os, sys\nprint(json.dumps({}))\n"


class Town:
    """A folder with modules that an environment holds, and the zygotes of that environment."""

    def __init__(self, folder: Path, preload: str) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        self.environment = Environment(Digest("blake3:" + "0" * 64), sys.executable, "", str(folder), "3")
        self.zygotes = Zygotes(str(folder / "z"), str(folder / "zygotes.log"), preload)
        self.processes = LocalProcesses(zygotes=self.zygotes)
        self.write("loaded", LIBRARY)

    def write(self, name: str, code: str) -> None:
        (self.folder / f"{name}.py").write_text(code)

    def command(self, code: str, *arguments: str, **limits: object) -> Command:
        self.write("wanted", code)
        call = ModuleCall(self.environment, "wanted", arguments)
        env = {"GIVEN": "yes", "PATH": os.environ["PATH"]}
        return Command(call, str(self.folder), env, str(self.log), **limits)  # type: ignore[arg-type]

    def run(self, code: str, *arguments: str, **limits: object) -> Ended:
        return asyncio.run(self.processes.run(self.command(code, *arguments, **limits)))

    def zygote(self) -> int:
        """The zygote's pid: the one that has imported the library."""
        return int(self.run("import loaded; print(loaded.loaded_by)").tail)

    def close(self) -> None:
        for path in (self.folder / "z").glob("*.sock"):
            end(str(path))
        shutil.rmtree(self.folder)


def end(path: str) -> None:
    """Tell a zygote to end, and wait until it has."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE_SECONDS)
        connection.connect(path)
        connection.sendall(b'{"end": true}\n')
        assert b"" == connection.recv(1)


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town(Path(tempfile.mkdtemp(prefix="wl-")), "loaded")
    yield made
    made.close()


def test_a_fork_looks_like_a_start(town: Town) -> None:
    """A child has its own arguments, variables, folder and session, and its exit code comes back."""
    said = "[sys.argv, os.environ.get('GIVEN'), os.getcwd(), os.getsid(0) == os.getpid(), __name__, name]"
    code = "name = open('/proc/self/comm').read().strip()\n" + SAYS.format(said)
    ended = town.run(code + "sys.stderr.write('oh\\n')\nsys.exit(7)", "one", "two")
    assert (7, "", "it ended with exit code 7") == (ended.exit_code, ended.trouble, ended.words)
    first, second = ended.tail.splitlines()
    assert ["wanted", "one", "two"] == [Path(json.loads(first)[0][0]).stem, *json.loads(first)[0][1:]]
    assert ["yes", str(town.folder), True, "__main__", "windlass-wanted"] == json.loads(first)[1:]
    assert "oh" == second


def test_the_libraries_are_loaded_once(town: Town) -> None:
    """Two children find the library as the same process has loaded it, which is neither of them."""
    said = [json.loads(town.run(SAYS.format("[os.getpid(), loaded.loaded_by]")).tail) for _ in range(2)]
    assert 1 == len({loaded_by for _, loaded_by in said})
    assert 3 == len({number for pair in said for number in pair})


def test_what_is_not_forkable_starts_anew(town: Town) -> None:
    """A process whose variables must be there before any library is imported loads its libraries itself."""
    command = town.command(SAYS.format("[os.getpid(), loaded.loaded_by]"))
    assert isinstance(command.argv, ModuleCall)
    fresh = replace(command, argv=replace(command.argv, forkable=False))
    pid, loaded_by = json.loads(asyncio.run(town.processes.run(fresh)).tail)
    assert pid == loaded_by


def test_children_draw_different_numbers() -> None:
    """Two children share no random state, neither Python's nor NumPy's."""
    town = Town(Path(tempfile.mkdtemp(prefix="wl-")), "numpy.random")
    try:
        code = "import json, random, tempfile, numpy as np\n"
        code += "print(json.dumps([random.random(), np.random.random(), tempfile.mktemp()]))"
        first, second = (json.loads(town.run(code).tail) for _ in range(2))
        assert [False] * 3 == [a == b for a, b in zip(first, second, strict=True)]
    finally:
        town.close()


def test_a_child_stands_back(town: Town) -> None:
    """A job's child and its session have a lower priority than what serves, and it goes first when memory runs out."""
    code = "import os\nprint(os.getpriority(0, 0), open('/proc/self/oom_score_adj').read().strip(), flush=True)"
    wait = "import os, time\nwhile os.getpriority(0, 0) == 0: time.sleep(0.01)\n"
    group = "path = '/proc/self/autogroup'\n"
    group += f"while os.path.exists(path) and 'nice {NICE}' not in open(path).read(): time.sleep(0.01)\n"
    settle = "while open('/proc/self/oom_score_adj').read().strip() != '1000': time.sleep(0.01)\n"
    assert f"{NICE} 1000\n" == town.run(wait + group + settle + code, seconds_max=DEADLINE_SECONDS).tail


def test_limits_hold(town: Town) -> None:
    """A child that holds too much memory or runs too long is ended, in the words of any other command."""
    ended = town.run("x = bytearray(120 << 20)\nimport time\ntime.sleep(1000)", memory_bytes_max=100 << 20)
    assert ("limit", "it held more memory than its limit of 100 Mi and was ended") == (ended.trouble, ended.words)
    ended = town.run("import time\ntime.sleep(1000)", seconds_max=0.5)
    assert "limit" == ended.trouble


def test_death_by_a_signal_is_named(town: Town) -> None:
    """A child that was killed says by which signal."""
    assert -9 == town.run("import os\nos.kill(os.getpid(), 9)").exit_code


def test_a_cancel_ends_stubborn_processes(town: Town) -> None:
    """A cancel ends forked, daemonised and SIGTERM-proof processes of a child, all of them."""

    async def run_and_cancel() -> float:
        task = asyncio.ensure_future(town.processes.run(town.command(STUBBORN)))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(pids(town.log)) < 4:
                await asyncio.sleep(0.02)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    town.zygote()
    town.log.unlink()
    seconds = asyncio.run(run_and_cancel())
    assert [] == alive(pids(town.log))
    assert seconds < 3.0


def test_leftovers_of_a_good_command_go_too(town: Town) -> None:
    """What a child leaves running, in a session of its own, is gone when the command has ended."""
    code = "import subprocess\nprocess = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
    ended = town.run(code + "print('pid', process.pid)")
    assert 0 == ended.exit_code
    assert [] == alive(pids(town.log))


def test_the_guard_may_be_killed(town: Town) -> None:
    """When even the guard is killed the keeper ends the child and what came from it."""

    async def run_and_kill() -> Ended:
        town.write("wanted", STUBBORN)
        task = asyncio.ensure_future(town.processes.run(town.command(STUBBORN)))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(pids(town.log)) < 4:
                await asyncio.sleep(0.02)
        for member in families.family_of(os.getpid()):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # some of them are about to end
                if b"processes.guard" in Path(f"/proc/{member.pid}/cmdline").read_bytes():
                    os.kill(member.pid, signal.SIGKILL)
        return await task

    town.zygote()
    town.log.unlink()
    assert "crash" == asyncio.run(run_and_kill()).trouble
    wait_until(lambda: not alive(pids(town.log)))


def test_a_thread_in_the_zygote_means_starting_anew(town: Town) -> None:
    """Where a library has started a thread nothing is forked: the command runs all the same, and its log says why."""
    town.write("loaded", LIBRARY + "import threading, time\n")
    town.write("threaded", "import loaded, threading\nthreading.Thread(target=threading.Event().wait).start()\n")
    town.zygotes = Zygotes(str(town.folder / "z"), str(town.folder / "zygotes.log"), "threaded")
    town.processes = LocalProcesses(zygotes=town.zygotes)
    said = town.run(SAYS.format("[os.getpid() == loaded.loaded_by]")).tail.splitlines()
    assert "started anew, because nothing could be forked: a library in it has started a thread" == said[0]
    assert "[true]" == said[1]
    name = next((town.folder / "z").glob("*.sock"))
    end(str(name))


def test_a_library_that_breaks_the_zygote(town: Town) -> None:
    """A zygote that dies while it imports costs nothing but time."""
    town.write("loaded", "import os\nloaded_by = os.getpid()\n")
    town.write("broken", "import os\nos._exit(9)\n")
    town.processes = LocalProcesses(zygotes=Zygotes(str(town.folder / "z"), str(town.folder / "zlog"), "broken"))
    assert "fine\n" == town.run("print('fine')").tail.splitlines(keepends=True)[-1]


def test_children_outlive_their_zygote(town: Town) -> None:
    """A zygote that is killed takes no child along, and the next command finds a new one."""

    async def run_and_kill(zygote: int) -> Ended:
        town.write("wanted", "")
        code = (
            "import os, time\nprint('pid', os.getpid(), flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)"
        )
        task = asyncio.ensure_future(town.processes.run(town.command(code)))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not pids(town.log):
                await asyncio.sleep(0.02)
        os.kill(zygote, signal.SIGKILL)
        (town.folder / "go").touch()
        return await task

    first = town.zygote()
    assert 0 == asyncio.run(run_and_kill(first)).exit_code
    assert first != town.zygote()


def test_a_zygote_goes_with_its_path(town: Town) -> None:
    """A zygote ends when its socket is taken away."""
    pid = town.zygote()
    for path in (town.folder / "z").glob("*.sock"):
        path.unlink()
    wait_until(lambda: not alive([pid]))


def test_a_zygote_whose_home_is_gone_before_it_has_loaded_ends(town: Town) -> None:
    """A home that is removed while libraries are loaded leaves no process behind."""
    path = str(town.folder / "z.sock")
    with listen(path) as listener:
        os.unlink(path)
        options = ("--fd", str(listener.fileno()), "--path", path, "--preload", "loaded", "--idle", "3600")
        argv = [sys.executable, "-m", "windlass.serving.zygote", *options]
        zygote = subprocess.run(argv, cwd=town.folder, pass_fds=(listener.fileno(),), timeout=60, check=False)
    assert 0 == zygote.returncode


def test_a_zygote_that_nobody_asks_ends(town: Town) -> None:
    """A zygote ends by itself when nobody has asked it anything for its time, and leaves its children alone."""
    path = str(town.folder / "z.sock")
    with listen(path) as listener:
        options = ("--fd", str(listener.fileno()), "--path", path, "--preload", "loaded", "--idle", "1")
        argv = town.environment.argv("windlass.serving.zygote", *options)
        numbers = (listener.fileno(),)
        zygote = launch(Launch(argv, str(town.folder), dict(os.environ), str(town.log), numbers))
    town.write("wanted", "import time\ntime.sleep(1000)\n")
    null = os.open(os.devnull, os.O_RDWR)
    child = fork_detached(path, Fork("wanted", (), str(town.folder), {}, (null, null), (1, 2), is_detached=True))
    os.close(null)
    try:
        wait_until(lambda: look_at(zygote) is None)
        assert [child.pid] == alive([child.pid])
    finally:
        os.kill(child.pid, signal.SIGKILL)


def test_a_replica_lives_by_itself(town: Town) -> None:
    """A detached child outlives the connection and the zygote, finds its descriptor, and keeps its files private."""
    town.write("wanted", "import os, time\nos.write(10, b'here')\nopen('mine', 'w').close()\ntime.sleep(1000)\n")
    path = town.zygotes.wake(town.environment)
    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    order = Fork("wanted", (), str(town.folder), {}, (writing, null, null), (10, 1, 2), is_detached=True)
    child = fork_detached(path, order)
    try:
        assert b"here" == os.read(reading, 4)
        wait_until((town.folder / "mine").exists)
        assert 0o600 == (town.folder / "mine").stat().st_mode & 0o777
        end(path)
        assert [child.pid] == alive([child.pid])
        assert child.started
        with pytest.raises(CannotFork, match="no zygote answers"):
            fork_detached(path, order)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        for number in (reading, writing, null):
            os.close(number)


def test_strangers_are_not_served(town: Town) -> None:
    """Whoever sends something else than an order gets no child, and disturbs nobody."""
    path = town.zygotes.wake(town.environment)
    for words in (b"", b"nonsense\n", b"[]\n", b'{"module": "os"}\n', b"\xff\xfe\n"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(DEADLINE_SECONDS)
            connection.connect(path)
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            assert b"" == connection.recv(1)
    assert 0 == town.run("print('served')").exit_code
