"""One world while a day passes over it: what breaks, what people do, and what a witness says of every second."""

import random
from collections import Counter
from dataclasses import dataclass, field

from windlass.adapters.simulated.taps import Killed
from windlass.facts.state import ServiceState
from windlass.kernel.errors import WindlassError
from windlass.kernel.instants import later
from windlass.sim.faults import KINDS
from windlass.sim.mishaps import End, revive, revive_control, some_site
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SITES, SPEC, Happening, Storm, habits
from windlass.sim.world import World
from windlass.site.acts import Asked

FAULT_SECONDS_MAX = 90


@dataclass(slots=True)
class Day:
    """What one seed came to. `broken` holds the sentences that were not true, each with its second; `facts` counts the
    facts by kind."""

    seed: int
    seconds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    digest: str = ""


def _arguments(verb: str, state: ServiceState, world: World, chance: random.Random) -> dict[str, object]:
    """What a person who is in a hurry, or who looks closely, adds to an act."""
    match verb:
        case "promote" if chance.random() < 0.3:
            return {"full": True}
        case "promote" if state.quarantine and chance.random() < 0.1:
            return {"release": _named(chance.choice(sorted(state.quarantine))), "full": True, "now": True}
        case "promote" if chance.random() < 0.2:
            return {"override": True}
        case "retry" if state.quarantine and chance.random() < 0.6:
            return {"release": _named(chance.choice(sorted(state.quarantine)))}
        case "retry" if chance.random() < 0.2:
            return {"fresh_env": True}
        case "rollback" if state.releases and chance.random() < 0.3:
            return {"to": _named(chance.choice(sorted(state.releases)))}
        case "freeze" if chance.random() < 0.5:
            return {"until": later(world.control_clock.now(), seconds=chance.uniform(-30, 300))}
        case _:
            return {}


def _named(release: str) -> str:
    return release.partition(":")[2][:16]


class Weather:
    """What happens to one world."""

    def __init__(self, storm: Storm) -> None:
        self.world = World(storm.seed, SERVICE, SPEC, SITES)
        self.world.order = random.Random(f"order {storm.seed}") if storm.is_shuffled else None
        self.witness = Witness(self.world, watches_sites=True)
        self.day = Day(storm.seed)
        self._habits = habits(storm.seed)
        self._commits = 0
        self.world.callers.rate = self._habits.rates[0]
        self._ends: list[tuple[int, str, End]] = []

    async def tick(self, seconds: int = 1) -> bool:
        """One second, or a longer pace; False where a promise broke."""
        await self.world.tick(seconds)
        self.day.seconds += seconds
        self.day.broken += [f"second {self.day.seconds}: {words}" for words in await self.witness.look()]
        self.day.facts = self.witness.kinds
        return not self.day.broken

    async def happen(self, happening: Happening) -> None:
        """A fault begins, or somebody does something."""
        chance = random.Random(happening.seed)
        if happening.name not in KINDS:
            await self._event(happening.name, chance)
        elif happening.name not in [name for _, name, _ in self._ends]:
            self.day.faults[happening.name] += 1
            end = KINDS[happening.name].begin(self.world, chance)
            self._ends.append((happening.second + chance.randint(1, FAULT_SECONDS_MAX), happening.name, end))

    def end_faults(self, second: int) -> None:
        """Every fault whose time has come ends."""
        due = [one for one in self._ends if one[0] <= second]
        self._ends = [one for one in self._ends if one[0] > second]
        for _, _, end in due:
            end()

    def calm(self) -> None:
        """Every fault ends, who is dead is started, and callers call so often that a canary is judged in minutes."""
        self.end_faults(1_000_000)
        revive_control(self.world)
        for site in self.world.sites.values():
            revive(site)
        self.world.callers.rate = 200.0

    async def leave_what_does_not_start(self) -> None:
        """A release that a person put live unseen and that cannot start: who is on call goes back, as `status` says."""
        world, state = self.world, await self.world.state()
        moves = state.rollout is not None and not state.rollout.paused_by
        if not world.scripts.starts(state.live) and not moves and not state.acts:
            self.witness.asked.add(await world.ask("rollback", "it does not start"))

    async def _event(self, name: str, chance: random.Random) -> None:
        world = self.world
        match name:
            case "commit":
                self._commits += 1
                world.commit(self._script(f"v{self._commits}", chance))
            case "traffic":
                world.callers.rate = chance.choice(self._habits.rates)
            case "sync":
                if world.engine is not None:
                    world.engine.watch.hint()
                    world.engine.woken = True
            case "act":
                await self._act(chance)
            case _:
                await self._act_at_site(chance)

    async def _act(self, chance: random.Random) -> None:
        """A person asks the control plane; an act that could not be stored was not accepted."""
        verb = chance.choice(self._habits.verbs)
        world, state = self.world, await self.world.state()
        if world.engine is None or not state.generation:
            return
        arguments = _arguments(verb, state, world, chance)
        try:
            self.witness.asked.add(await world.ask(verb, "a random day", **arguments))
        except WindlassError:
            return
        except Killed:
            world.kill_control()

    async def _act_at_site(self, chance: random.Random) -> None:
        """A person asks a site itself, as one does while the control plane is dead."""
        site = some_site(self.world, chance)
        asked = Asked(chance.choice(["abort", "pause", "rollback"]), SERVICE, "ann", "a random day")
        if site.agent is None or site.is_frozen:
            return
        try:
            answer = await site.agent.act(asked)
        except WindlassError:
            return
        except Killed:
            site.kill()
            self.witness.uncertain.add(site.name)  # it may be stored, and nobody was told
            return
        self.witness.journalled.add((site.name, int(answer["entry"])))
        if asked.verb == "abort" and answer["returns_to"]:  # else nothing but it could answer
            self.witness.left.add((site.name, str(answer["leaves"])))

    def _script(self, subject: str, chance: random.Random) -> Script:
        draw = chance.random
        return Script(
            subject,
            gate=chance.choices(["pass", "fail", "unsure"], [6, 1, 1])[0],
            build=chance.choices(["ok", "user", "network"], [8, 1, 1])[0],
            bad=0.2 if draw() < 0.2 else 0.0,
            milliseconds=80.0 if draw() < 0.1 else 20.0,
            starts=draw() > 0.05,
            same_as=f"v{chance.randint(0, self._commits)}" if draw() < 0.1 else "",
        )
