"""Model servers that are nothing but a state and a clock."""

from dataclasses import dataclass

from windlass.adapters.simulated.sockets import Socket
from windlass.kernel.instants import Instant, seconds_between
from windlass.ports.replicas import ReplicaProcess, ReplicaWanted
from windlass.ports.world import Clock


@dataclass
class _Simulated:
    wanted: ReplicaWanted
    state: str
    since: Instant
    pid: int
    words: str = ""
    is_held: bool = True  # the agent keeps the socket open


class SimulatedReplicas:
    """The replicas of a simulated site. `calls` lists what was asked of them; `has_agent` says whether an agent keeps
    the sockets of dead ones open for their successors."""

    def __init__(self, clock: Clock, ready_seconds: float = 1.0) -> None:
        self._clock = clock
        self._ready_seconds = ready_seconds
        self._found: dict[str, _Simulated] = {}
        self._held: set[str] = set()
        self._broken: dict[str, str] = {}
        self._pids = 0
        self.has_agent = True
        self.calls: list[tuple[str, str]] = []

    async def start(self, wanted: ReplicaWanted) -> None:
        """Start the replica, unless one of this name runs."""
        known = self._found.get(wanted.name)
        if known and known.state != "failed":
            return
        self.calls.append(("start", wanted.name))
        self._pids += 1
        self._found[wanted.name] = _Simulated(wanted, "starting", self._clock.now(), self._pids)

    async def look(self) -> tuple[ReplicaProcess, ...]:
        """Every replica as the time says."""
        for name, one in sorted(self._found.items()):
            if one.state == "draining":
                del self._found[name]
            self._go_on(one)
        return tuple(
            ReplicaProcess(name, one.wanted.service, one.wanted.release, one.state, f"/r/{name}", one.pid, one.words)
            for name, one in sorted(self._found.items())
        )

    async def stop(self, name: str, drain_seconds: float) -> None:
        """End it; it is gone at the next look but one."""
        one = self._found.get(name)
        if one and one.state != "draining":
            self.calls.append(("stop", name))
            one.state = "draining"

    def _go_on(self, one: _Simulated) -> None:
        """What the time has made of a replica that starts."""
        age = seconds_between(one.since, self._clock.now())
        release = one.wanted.release
        if one.state == "starting" and release in self._broken:
            self._fail(one, self._broken[release])
        elif one.state == "starting" and age >= self._ready_seconds and release not in self._held:
            one.state = "ready"

    def at(self, path: str) -> Socket:
        """What becomes of a request at a socket now."""
        one = self._found.get(path.removeprefix("/r/"))
        if one is None or one.state == "draining":
            return Socket.REFUSES
        self._go_on(one)
        if one.state == "ready":
            return Socket.ANSWERS
        return Socket.WAITS if one.is_held else Socket.REFUSES

    def let_go(self) -> None:
        """The agent has ended: nobody holds the sockets any more but the replicas that run."""
        self.has_agent = False
        for one in self._found.values():
            one.is_held = one.state in ("starting", "ready")

    def starts(self, release: str) -> bool:
        """Whether replicas of this release become ready."""
        return release not in self._broken and release not in self._held

    def names(self) -> tuple[str, ...]:
        """The replicas that are there, sorted."""
        return tuple(sorted(self._found))

    def releases(self) -> tuple[str, ...]:
        """The releases that have replicas, sorted."""
        return tuple(sorted({one.wanted.release for one in self._found.values()}))

    def states(self, release: str) -> tuple[str, ...]:
        """How the replicas of a release are, in the order of their names."""
        return tuple(one.state for _, one in sorted(self._found.items()) if one.wanted.release == release)

    def ending(self) -> tuple[str, ...]:
        """The sockets of the replicas that are being ended, sorted."""
        return tuple(f"/r/{name}" for name, one in sorted(self._found.items()) if one.state == "draining")

    def crash(self, name: str, words: str = "the process ended") -> None:
        """Kill a replica."""
        self._fail(self._found[name], words)

    def _fail(self, one: _Simulated, words: str) -> None:
        one.state, one.words, one.is_held = "failed", words, one.is_held and self.has_agent

    def hold(self, release: str) -> None:
        """Never let a replica of this release become ready."""
        self._held.add(release)

    def let(self, release: str) -> None:
        """Let replicas of this release become ready, after all."""
        self._held.discard(release)
        self._broken.pop(release, None)

    def break_release(self, release: str, words: str) -> None:
        """Let every start of this release fail."""
        self._broken[release] = words
