"""Starts, watches, adopts and ends the model servers of one site.

A process is known by pid and start time, recorded in `processes.json`, so that an agent that was killed finds its
replicas again and nobody else's process is ever ended. Long work, such as verifying a release, goes on beside the
caller; `look` says how it goes.
"""

import asyncio
import json
import os
from dataclasses import dataclass

from windlass.adapters.machine.references import values_of
from windlass.adapters.processes import families
from windlass.adapters.processes.detached import Detached, Launch, end, kill, launch, look_at
from windlass.adapters.processes.listeners import listen
from windlass.adapters.processes.zygotes import CannotFork, Fork, Zygotes, fork_detached, variables
from windlass.adapters.replicas import records
from windlass.adapters.replicas.records import Replica
from windlass.adapters.replicas.sockets import ask, is_alive
from windlass.adapters.world import files
from windlass.kernel.digests import Digest
from windlass.kernel.errors import WindlassError, clip
from windlass.kernel.instants import seconds_between
from windlass.kernel.limits import LOG_BYTES_MAX
from windlass.ports.artifacts import Artifacts
from windlass.ports.environments import Environment, Environments
from windlass.ports.processes import ModuleCall
from windlass.ports.replicas import ReplicaProcess, ReplicaWanted
from windlass.ports.world import Clock

LOAD_SECONDS_MAX = 900.0  # a model that takes longer to load than a quarter of an hour hangs
SILENT_SECONDS_MAX = 15.0  # a replica that was ready and says nothing for so long hangs
HEALTH_SECONDS = 5.0  # between two questions whether a prediction hangs
MEMORY_SHARE_MAX = 0.8  # of the machine, where the service names no limit
TAIL_BYTES = 4096
_LISTENER = 10  # the number under which a forked replica finds its listening socket


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """`folder` is the site's folder (records and logs); `sockets` a short folder of mode 700."""

    folder: str
    sockets: str


class LocalReplicas:
    """The replicas of this machine's site."""

    def __init__(
        self,
        settings: ReplicaSettings,
        artifacts: Artifacts,
        environments: Environments,
        clock: Clock,
        zygotes: Zygotes | None = None,
    ) -> None:
        self._settings = settings
        self._artifacts = artifacts
        self._environments = environments
        self._clock = clock
        self._zygotes = zygotes
        self._records = f"{settings.folder}/processes.json"
        files.make_folder(settings.sockets)
        files.make_folder(f"{settings.folder}/logs")
        self._is_unsaved = False
        self._replicas = records.load(self._records, clock.now())

    async def start(self, wanted: ReplicaWanted) -> None:
        """Start the replica; see `Replicas.start`. Its socket takes connections as soon as this returns."""
        known = self._replicas.get(wanted.name)
        if known and known.state != "failed":
            return
        if known and known.process:
            kill(known.process)
        if known is None and await self._adopt(wanted):
            return
        replica = Replica(wanted, self._clock.now(), listener=known.listener if known else None)
        self._replicas[wanted.name] = replica
        try:
            replica.listener = replica.listener or listen(self._socket(wanted.name))
        except WindlassError as error:
            replica.state, replica.words = "failed", str(error)
            return
        replica.work = asyncio.create_task(self._launch(replica))

    async def look(self) -> tuple[ReplicaProcess, ...]:
        """Every replica; see `Replicas.look`."""
        if self._is_unsaved:
            self._save()
        replicas = [self._replicas[name] for name in sorted(self._replicas)]
        await asyncio.gather(*(self._examine(replica) for replica in replicas))
        for replica in replicas:
            if replica.work and replica.work.done() and not replica.work.cancelled():
                replica.work.result()  # an error nobody foresaw ends the agent instead of being forgotten
        return tuple(self._seen(self._replicas[name]) for name in sorted(self._replicas))

    async def stop(self, name: str, drain_seconds: float) -> None:
        """End the replica; see `Replicas.stop`. Nothing may route to it any more."""
        replica = self._replicas.get(name)
        if replica is None or replica.state == "draining":
            return
        if replica.work:
            replica.work.cancel()
        replica.state = "draining"
        replica.work = asyncio.create_task(self._end(replica, drain_seconds))

    def close(self) -> None:
        """Let go of the sockets and of unfinished work; the processes go on."""
        for replica in self._replicas.values():
            if replica.work:
                replica.work.cancel()
            replica.let_go()

    async def _adopt(self, wanted: ReplicaWanted) -> bool:
        """Take over a replica of this name that nobody wrote down: the agent that started it was killed at once."""
        answer = await ask(self._control(wanted.name))
        member = families.member_of(answer.pid) if answer else None
        if answer is None:
            return False
        if member is None or answer.release != wanted.release:
            answer.listener.close()
            return False
        replica = Replica(wanted, self._clock.now(), Detached(member.pid, member.started), answer.listener)
        replica.answered_at = replica.began
        self._replicas[wanted.name] = replica
        self._save()
        return True

    async def _launch(self, replica: Replica) -> None:
        """Verify the release, find its environment, and start the process with the listening socket."""
        wanted = replica.wanted
        log = self._log(wanted.name)
        try:
            folder = await self._artifacts.materialise(Digest(wanted.release))
            environment = await self._environment(folder, log)
            if replica.listener is None:
                return
            replica.process = await self._started(replica, environment, folder, replica.listener.fileno())
            replica.began = replica.answered_at = self._clock.now()
            self._save()
        except WindlassError as error:
            replica.state, replica.words = "failed", str(error)

    async def _started(self, replica: Replica, environment: Environment, folder: str, descriptor: int) -> Detached:
        """The replica's process: forked where a zygote can do it, else started anew."""
        declared = _declared(folder)
        env, log = {**variables(environment), **declared}, self._log(replica.wanted.name)
        # A zygote has imported its libraries, and some of them read variables only then.
        zygotes = self._zygotes if not declared else None
        path = await self._zygote(zygotes, replica, environment) if zygotes else ""
        if path:
            call = self._call(replica.wanted, environment, folder, _LISTENER)
            with open(log, "ab") as output:
                files = (descriptor, output.fileno(), output.fileno())
                order = Fork(call.module, call.arguments, folder, env, files, (_LISTENER, 1, 2), is_detached=True)
                try:
                    return await asyncio.to_thread(fork_detached, path, order)
                except CannotFork as trouble:
                    output.write(f"started anew, because nothing could be forked: {trouble}\n".encode())
        call = self._call(replica.wanted, environment, folder, descriptor)
        return launch(Launch(call.argv, folder, env, log, (descriptor,)))

    async def _zygote(self, zygotes: Zygotes, replica: Replica, environment: Environment) -> str:
        """Where to fork from; empty for the first replica of a release that finds no zygote.

        What one model needs is imported sooner than everything that a zygote imports, and its callers wait. The zygote
        is woken once it is ready.
        """
        release, mine = replica.wanted.release, replica.wanted.name
        alive = [one for one in self._replicas.values() if one.wanted.release == release and one.state != "failed"]
        if any(one.wanted.name < mine for one in alive):
            return await asyncio.to_thread(zygotes.wake, environment)
        path = await asyncio.to_thread(zygotes.awake, environment)
        replica.lone_in = None if path else environment
        return path

    def _call(self, wanted: ReplicaWanted, environment: Environment, folder: str, descriptor: int) -> ModuleCall:
        arguments = (
            *("--release", folder, "--service", wanted.service, "--digest", wanted.release),
            *("--fd", str(descriptor), "--control", self._control(wanted.name)),
            *("--timeout", f"{wanted.timeout_seconds:g}"),
        )
        return ModuleCall(environment, "windlass.serving", arguments)

    async def _environment(self, folder: str, log: str) -> Environment:
        lock = (files.read_file(f"{folder}/env/lock.txt") or b"").decode()
        python = (files.read_file(f"{folder}/env/python.txt") or b"").decode().strip()
        return await self._environments.restore(lock, python, log)

    async def _end(self, replica: Replica, drain_seconds: float) -> None:
        name = replica.wanted.name
        replica.let_go()
        files.remove_quietly(self._socket(name))
        if replica.process:
            await end(replica.process, drain_seconds)
        files.remove_quietly(self._control(name))
        if self._replicas.get(name) is replica:
            del self._replicas[name]
        self._save()

    def _save(self) -> None:
        """Write down which processes run. On a full disk they run all the same, and the next look tries again."""
        try:
            records.save(self._records, self._replicas.values())
            self._is_unsaved = False
        except WindlassError:
            self._is_unsaved = True

    async def _examine(self, replica: Replica) -> None:
        """Look at one replica: does it run, does it answer, does it hold too much memory?"""
        if replica.state in ("failed", "draining") or (replica.process is None):
            return
        member = look_at(replica.process)
        if member is None:
            self._fail(replica, f"the process ended: {_last_line(self._log(replica.wanted.name))}")
            return
        _cap(self._log(replica.wanted.name))
        limit = replica.wanted.memory_bytes or int(MEMORY_SHARE_MAX * families.machine_memory_bytes())
        if member.resident_bytes > limit and families.shared_resident_bytes((member,)) > limit:
            self._fail(replica, f"it held {member.resident_bytes >> 20} MiB of memory (at most {limit >> 20} MiB)")
            return
        now = self._clock.now()
        answer = await ask(self._control(replica.wanted.name))
        if answer is None:
            self._judge_silence(replica)
            return
        if replica.listener is None:
            replica.listener = answer.listener  # adopted: the next process gets the same socket
        else:
            answer.listener.close()
        replica.answered_at = now
        replica.state = "ready" if answer.ready else "starting"
        if answer.ready and replica.lone_in is not None and self._zygotes is not None:
            environment, replica.lone_in = replica.lone_in, None
            await asyncio.to_thread(self._zygotes.wake, environment)
        if answer.ready and seconds_between(replica.health_at, now) >= HEALTH_SECONDS:
            replica.health_at = now
            if not await is_alive(self._socket(replica.wanted.name)):
                self._fail(replica, "a prediction hangs")

    def _judge_silence(self, replica: Replica) -> None:
        """A process that runs and does not answer: it may be importing libraries, or hang."""
        silent = seconds_between(replica.answered_at, self._clock.now())
        limit = SILENT_SECONDS_MAX if replica.state == "ready" else LOAD_SECONDS_MAX
        if silent > limit:
            self._fail(replica, f"it did not answer for {silent:.0f} s")

    def _fail(self, replica: Replica, words: str) -> None:
        """Its socket is kept, or made anew where the dead process held the last one: callers wait for a successor."""
        if replica.process:
            kill(replica.process)
        replica.state, replica.words = "failed", words
        if replica.listener is None:
            replica.listener = listen(self._socket(replica.wanted.name))

    def _seen(self, replica: Replica) -> ReplicaProcess:
        wanted = replica.wanted
        pid = replica.process.pid if replica.process else 0
        where = self._socket(wanted.name)
        return ReplicaProcess(wanted.name, wanted.service, wanted.release, replica.state, where, pid, replica.words)

    def _socket(self, name: str) -> str:
        return f"{self._settings.sockets}/{name}.sock"

    def _control(self, name: str) -> str:
        return f"{self._settings.sockets}/{name}.ctl"

    def _log(self, name: str) -> str:
        return f"{self._settings.folder}/logs/{name}.txt"


def _declared(folder: str) -> dict[str, str]:
    """The variables of a release, as its file's `env:` declares them, with what they refer to on this machine.

    Raises:
        UserMistake: a reference leads nowhere.
    """
    run = json.loads(files.read_file(f"{folder}/run.json") or b"{}")
    return values_of(run.get("env", {}))


def _cap(log: str) -> None:
    """Set the end of a log that has grown too long aside and empty it; the process goes on appending."""
    if not os.path.exists(log) or os.path.getsize(log) <= LOG_BYTES_MAX:
        return
    with open(log, "rb") as file:
        file.seek(-LOG_BYTES_MAX // 2, os.SEEK_END)
        kept = file.read()
    files.write_file(f"{log}.1", kept)
    os.truncate(log, 0)


def _last_line(log: str) -> str:
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.path.getsize(log) - TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return "it left no words"
    return clip(lines[-1]) if lines else "it left no words"
