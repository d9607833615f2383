"""Text sessions: lines with `>` are typed, `|` is the file that a `load` without a name takes, the rest is the stored
answer.

    > load ../../examples/doctor-visits/windlass.yaml
    > commit "v1"
    > tick until live
    > traffic 200/s
    > commit "v2" bad=10%
    > plan
    > tick 60s

`load` is the file that commits hold from now on; `service NAME` stands for a small one. `tick` prints a line whenever
what the service says changes, `plan` what the next pass would do, `diff` what changed for callers since the last
`diff`, `why` the newest facts.
"""

import re
import shlex
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from windlass.delivery.gates.lines import gate_check
from windlass.delivery.services.types import ServiceSlice
from windlass.delivery.sources.parse import parse_service
from windlass.engine import chains, queries
from windlass.kernel.digests import short
from windlass.kernel.quantities import duration, rate, share
from windlass.planner.diff import diff_in_words
from windlass.sim.ahead import next_pass
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.stories import surround
from windlass.sim.world import World

TICKS_MAX = 2_000
SPEC = """\
service: {service}
train: python train.py
data: {{holdout: data/holdout.csv, label: label}}
gate:
  - roc_auc >= 0.70
"""
_COUNTDOWN = re.compile(r"[\d,.]+")


class SessionError(ValueError):
    """A line that is no command: which, and what is possible."""


@dataclass(slots=True)
class Session:
    """One session. Names of releases are those of their commits, so that answers read like a story.

    `folder` is where the names of files begin; `block` the file that was typed with the line.
    """

    seed: int = 0
    folder: Path = Path()
    block: str = ""
    world: World | None = None
    witness: Witness | None = None
    said: str = ""
    shown: ServiceSlice | None = None

    async def run(self, line: str) -> list[str]:
        """The answer to one typed line.

        Raises:
            SessionError: the line is no command.
        """
        verb, *words = shlex.split(line)
        command = _COMMANDS.get(verb)
        if command is None:
            raise SessionError(f"unknown command {verb!r}; use {', '.join(sorted(_COMMANDS))}")
        return [self.named(text) for text in await command(self, words)]

    def named(self, text: str) -> str:
        """The text with the commits' subjects in place of digests."""
        if self.world is None:
            return text
        for commit, script in self.world.scripts.by_commit.items():
            text = text.replace(short(script.release), script.subject).replace(commit[:12], script.subject)
        return text

    def playing(self) -> World:
        """The world, which `service` or `load` begins.

        Raises:
            SessionError: there is none yet.
        """
        if self.world is None:
            raise SessionError("begin with `service NAME` or `load FILE`")
        return self.world

    def begin(self, service: str, text: str) -> World:
        """A new world, in which the service has this file."""
        self.world = World(self.seed, service, text)
        self.witness = Witness(self.world)
        return self.world


async def _service(session: Session, words: list[str]) -> list[str]:
    (name, *policy) = words
    session.begin(name, SPEC.format(service=name) + "".join(f"{line}\n" for line in policy))
    return []


async def _load(session: Session, words: list[str]) -> list[str]:
    """A file that is bad is committed like any other, once there is a service that it can be about."""
    path = words[0] if words else "windlass.yaml"
    try:
        text = (session.folder / path).read_text() if words else session.block
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}; files are named from {session.folder}") from error
    spec = parse_service(text, path, gate_check)
    if isinstance(spec, tuple):
        if session.world is None:
            raise SessionError("; ".join(complaint.sentence() for complaint in spec))
        session.world.spec = text
        return []
    world = session.world or session.begin(spec.service, text)
    if spec.service != world.service:
        raise SessionError(f"{path} is of {spec.service}, and this session is about {world.service}")
    world.spec = text
    surround(world, spec)
    return []


async def _commit(session: Session, words: list[str]) -> list[str]:
    subject, *rest = words
    options = dict(word.split("=", 1) for word in rest)
    script = Script(
        subject=subject,
        gate=options.pop("gate", "pass"),
        build=options.pop("build", "ok"),
        bad=share(options.pop("bad", "0.0")),
        milliseconds=1000 * duration(options.pop("latency", "20ms")),
        starts=options.pop("starts", "yes") == "yes",
        same_as=options.pop("same_as", ""),
    )
    if options:
        raise SessionError(f"unknown option {sorted(options)[0]!r} of commit")
    world = session.playing()
    is_first = not world.scripts.by_commit
    world.commit(script)
    if is_first:
        await world.begin()
    return []


async def _traffic(session: Session, words: list[str]) -> list[str]:
    session.playing().callers.rate = rate(words[0]) if words[0] != "none" else 0.0
    return []


async def _tick(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    lines: list[str] = []
    if words[0] == "until":
        wanted = " ".join(words[1:])
        for _ in range(TICKS_MAX):
            lines += await _one(session, world)
            if wanted in session.said:
                return lines
        raise SessionError(f"{wanted!r} was never said; at last: {session.said}")
    for _ in range(round(duration(words[0]))):
        lines += await _one(session, world)
    return lines


async def _one(session: Session, world: World) -> list[str]:
    await world.tick()
    assert session.witness is not None
    broken = await session.witness.look()
    if broken:
        raise SessionError("; ".join(broken))
    if world.engine is None:
        return []
    status = await queries.status(world.engine)
    items = status["items"]
    if not items:
        return []
    wrong = "; ".join(words for one in status["repositories"] for words in one["complaints"])
    until = f"; until {items[0]['waiting_for']}" if items[0]["waiting_for"] else ""
    said = session.named(f"{items[0]['state']}: {items[0]['sentence']}{until}" + (f" ({wrong})" if wrong else ""))
    if _COUNTDOWN.sub("", said) == _COUNTDOWN.sub("", session.said):
        session.said = said
        return []
    session.said = said
    return [f"{_clock(world)}  {said}"]


def _clock(world: World) -> str:
    from windlass.adapters.simulated.world import BEGINNING

    seconds = (world.clock.now() - BEGINNING) // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


async def _plan(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    if world.engine is None:
        return ["  the control plane does not run"]
    return [f"  {line}" for line in await next_pass(world.engine, world.service)] or ["  nothing would change"]


async def _diff(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    now = (await world.store.load()).slices.get(world.service)
    lines = diff_in_words(session.shown, now)
    session.shown = now
    return [f"  {line}" for line in lines] or ["  nothing changed for callers"]


async def _why(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    assert world.engine is not None
    count = int(words[0]) if words else 5
    items = (await chains.why(world.engine, "services", world.service))["items"]
    return [f"  {item['sentence']}" for item in items[-count:]]


async def _act(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    verb, *rest = words
    flags = {word[2:]: True for word in rest if word.startswith("--")}
    names = [word for word in rest if not word.startswith("--")]
    arguments: dict[str, object] = dict(flags)
    if names:
        key = "to" if verb == "rollback" else "release"
        arguments[key] = short(world.scripts.named(names[0]).release)
    await world.ask(verb, "in the session", **arguments)
    lines = await _one(session, world)
    assert world.engine is not None
    ended = [
        one for one in (await chains.why(world.engine, "services", world.service))["items"] if one["kind"] == "ActEnded"
    ]
    return [f"  {ended[-1]['sentence']}", *lines]


async def _kill(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    match words[0]:
        case "control":
            world.kill_control()
        case "agent":
            world.restart_agent()
        case "replicas":
            for one in await world.replicas.look():
                world.replicas.crash(one.name)
        case _:
            raise SessionError("kill control, agent or replicas")
    return []


async def _start(session: Session, words: list[str]) -> list[str]:
    session.playing().start_control()
    return []


async def _link(session: Session, words: list[str]) -> list[str]:
    session.playing().link.is_cut = words[0] == "cut"
    return []


async def _callers(session: Session, words: list[str]) -> list[str]:
    world = session.playing()
    lines = [f"  {world.callers.sent:,} sent, {world.callers.lost:,} lost"]
    for release, count in sorted(world.callers.answered.items(), key=lambda pair: session.named(short(pair[0]))):
        lines.append(f"  {count:,} answered by {short(release)}")
    return lines


async def _git(session: Session, words: list[str]) -> list[str]:
    from windlass.sim.world import REPOSITORY

    world = session.playing()
    match words[0]:
        case "break":
            world.git.broken[REPOSITORY] = "the remote does not answer"
        case "repair":
            world.git.broken.clear()
        case "remove-branch":
            world.git.branches.clear()
        case _:
            raise SessionError("git break, repair or remove-branch")
    return []


_Command = Callable[[Session, list[str]], Coroutine[Any, Any, list[str]]]
_COMMANDS: dict[str, _Command] = {
    "service": _service,
    "load": _load,
    "commit": _commit,
    "traffic": _traffic,
    "tick": _tick,
    "plan": _plan,
    "diff": _diff,
    "why": _why,
    "act": _act,
    "kill": _kill,
    "start": _start,
    "link": _link,
    "callers": _callers,
    "git": _git,
}


async def play(text: str, seed: int = 0, folder: Path = Path()) -> str:
    """The session with fresh answers: what `make bless` writes.

    Args:
        text: the session with any answers.
        seed: of its world.
        folder: where the names of files begin: the session's own.

    Raises:
        SessionError: a line is no command, or a promise broke.
    """
    session = Session(seed, folder)
    lines: list[str] = []
    waiting = text.splitlines()
    while waiting:
        line = waiting.pop(0)
        if line.startswith("#") or not line.strip():
            lines.append(line)
        elif line.startswith(">"):
            block = list(takewhile(lambda one: one.startswith("|"), waiting))
            session.block = "\n".join(one[2:] for one in block)
            lines += [line, *block, *await session.run(line[1:].strip())]
    return "\n".join(lines) + "\n"
