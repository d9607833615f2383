"""One release on its way to callers: the user's own file in a small world of its own, from the commit to its end.

A champion is live when the candidate is committed; its build and gate go well, and from then on the real control plane
and the real site agent decide. Virtual time goes second by second. Where only requests are waited for, as many seconds
go at once as bring one canary request more, or 5 % more.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import NormalDist

from windlass.adapters.simulated.traffic import SPREAD
from windlass.adapters.simulated.world import BEGINNING
from windlass.adapters.traffic.envoy.totals import Sums
from windlass.delivery.rollouts.windows import frozen_window
from windlass.delivery.sources.keys import named_locations
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.observe import data_path
from windlass.facts import types as kinds
from windlass.facts.state import ServiceState
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Bug, UserMistake
from windlass.kernel.instants import Instant, later, seconds_between
from windlass.maths.edges import EDGES, bucket_bounds
from windlass.planner.types import StageReport
from windlass.sim.behaviour import Behaviour, Rhythm
from windlass.sim.faults import KINDS
from windlass.sim.mishaps import End
from windlass.sim.promises import Witness
from windlass.sim.rest import is_settled
from windlass.sim.scripts import Script
from windlass.sim.world import REPOSITORY, World

FOR_REQUESTS = ("requests", "more canary requests")  # what a rollout waits for that only callers bring
GROWTH = 0.05  # of the canary requests so far: so much may come between two looks
WARM_REQUESTS = 2_000  # of a champion that has served for long: its latency is known
WARM_SECONDS_MAX = 86_400.0
LOOKS_A_LIMIT = 200  # no pause is longer than this part of the time limit
START_SECONDS_MAX = 120
CALM_SECONDS = 3_600  # of a champion that serves alone, at once
DRAIN_SECONDS_MAX = 300
PASSES_MAX = 6_000  # what is not over then is told so
SETTLED_PASSES = 20  # between two looks whether anything moves at all
FAULT_CHANCE = 1 / 30  # of each look while no fault is in force: about three in a rollout at ample traffic
FAULT_SECONDS_MAX = 90
CALENDAR_SECONDS = 600  # windows are written in minutes; so often the calendar is looked at
WEEK_SECONDS = 7 * 86_400
OVERTAKEN = "a newer commit was there before its turn came"
OUTCOMES = {
    "promoted": "promoted",
    "rolled_back": "rolled_back",
    "aborted": "rolled_back",
    "superseded": "overtaken",
    "replaced": "overtaken",
}
_NUMBERS = re.compile(r" after [\d,]+ canary requests| [\d.]+ (?:s|min|h|d)(?= old)| [0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class Setting:
    """What all releases of one forecast share. `text` is the user's file and `spec` what it says; `faults` names the
    kinds of faults that may happen."""

    text: str
    spec: ServiceSpec
    rhythm: Rhythm
    base: Behaviour
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Told:
    """What became of one release.

    `outcome` is promoted, rolled_back, held (a person is asked), overtaken (by another commit), never_began or
    unfinished; `because` the sentence that the control plane gave. `steps` are the shares with which its rollout began,
    and `began` why. `full_seconds` go from the gate's pass to all of the
    traffic, `lived_seconds` from the first canary request until no gateway routes it; None where that did not come.
    `waits` are seconds by what was waited for since the pass; `served`, `failed` and `slow` requests of the release.
    """

    outcome: str = ""
    because: str = ""
    steps: tuple[float, ...] = ()
    began: str = ""
    full_seconds: float | None = None
    lived_seconds: float | None = None
    served: int = 0
    failed: int = 0
    slow: int = 0
    waits: dict[str, float] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    lost: int = 0
    passes: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


def gist(sentence: str) -> str:
    """A sentence of the control plane without its numbers, so that equal reasons are counted together.

    >>> gist("harm shown after 1,412 canary requests: evidence 103 against 100"), gist("soaking, 7 s left")
    ('harm shown', 'soaking')
    """
    return _NUMBERS.sub("", re.split(r": |, | \(|; ", sentence)[0])


def slow_from(base: Behaviour) -> int:
    """Above how many microseconds an answer is slow: the champion gives 99 of 100 answers sooner, or a little more."""
    p99 = 1e6 * base.seconds * math.exp(SPREAD * NormalDist().inv_cdf(0.99))
    return next((edge for edge in EDGES if edge >= p99), EDGES[-1])


async def tell(setting: Setting, behaviour: Behaviour, seed: int, day: int) -> Told:
    """What becomes of one release.

    Args:
        setting: the file, the callers and the faults.
        behaviour: how the release answers.
        seed: of everything that is drawn.
        day: on which virtual day it is committed, at an hour that is drawn.

    Raises:
        UserMistake: the freeze windows of the file leave no time in which traffic may move.
    """
    story = Story(setting, behaviour, seed)
    try:
        await story.begin(later(BEGINNING, seconds=86_400 * day + story.chance.randrange(86_400)))
        await story.go_on()
        return story.end()
    finally:
        await story.world.store.close()


class Story:
    """One release and the world around it; `tell` plays it from beginning to end."""

    def __init__(self, setting: Setting, behaviour: Behaviour, seed: int) -> None:
        self.setting = setting
        self.chance = random.Random(seed)
        self.world = _world(setting, self.chance.getrandbits(40))
        self.witness = Witness(self.world)
        self.script = _script("the candidate", behaviour)
        self.told = Told()
        self.commit = ""
        self.wanted_requests = ""  # what it said when it waited for requests last
        self.passed_at: Instant | None = None
        self.called_at: Instant | None = None
        self.fault: tuple[Instant, End] | None = None

    async def begin(self, at: Instant) -> None:
        """The champion is live and known, and at the instant `at` the candidate is committed."""
        world, rate = self.world, self.setting.rhythm.at(at)
        warm = min(WARM_SECONDS_MAX, max(1.0, WARM_REQUESTS / rate)) if rate else WARM_SECONDS_MAX
        world.clock.instant = _open_before(later(at, seconds=-warm), self.setting.spec)
        await world.begin_with(_script("the champion", self.setting.base))
        for _ in range(START_SECONDS_MAX):
            await world.tick()
            if (await world.state()).live:
                break
        else:
            raise Bug("the simulated champion was not live in time", code="sim-start")
        while (left := seconds_between(world.clock.now(), at)) > 0:
            await self._tick(min(left, CALM_SECONDS))
        self.commit = world.commit(self.script)

    async def go_on(self) -> None:
        """Until the release has its end and no gateway routes it, or nothing moves any more."""
        told = self.told
        while not told.outcome and told.passes < PASSES_MAX:
            self._draw_fault()
            state, report = await self._stands()
            await self._pass(state, report)
            if told.passes % SETTLED_PASSES == 0 and self.fault is None:
                await self._look_for_rest()
        for _ in range(DRAIN_SECONDS_MAX if told.outcome in ("rolled_back", "overtaken") else 0):
            if not self._is_routed():
                break
            self._draw_fault()
            await self._tick(1.0)

    def end(self) -> Told:
        """The sums."""
        told, callers = self.told, self.world.callers
        told.outcome = told.outcome or "unfinished"
        told.sent, told.lost = callers.sent, callers.lost
        for sums in self._answered():
            told.served += sums.requests
            told.failed += sums.failed
            told.slow += _above(sums, slow_from(self.setting.base))
        if told.outcome != "promoted" and not self._is_routed():
            since = self.called_at
            told.lived_seconds = 0.0 if since is None else seconds_between(since, self.world.clock.now())
        return told

    async def _pass(self, state: ServiceState, report: StageReport | None) -> None:
        """Let time go on, and note what was waited for meanwhile."""
        said = report.because if report is not None else "the control plane does not run"
        if report is not None and report.until in FOR_REQUESTS:
            self.wanted_requests = said
        is_passed, before = self.passed_at is not None, self.told.seconds
        await self._tick(self._pause(state, report))
        if is_passed:
            waits, what = self.told.waits, gist(said)
            waits[what] = waits.get(what, 0.0) + self.told.seconds - before

    async def _tick(self, seconds: float) -> None:
        world, told = self.world, self.told
        before = world.clock.now()
        world.callers.rate = self.setting.rhythm.at(before)
        await world.tick(seconds)
        told.passes += 1
        told.seconds += seconds_between(before, world.clock.now())
        told.broken += [words for words in await self.witness.look() if not self._is_told(words)]
        for fact in self.witness.fresh:
            self._read(fact.body)
        if self.called_at is None and any(sums.requests for sums in self._answered()):
            self.called_at = before

    def _is_told(self, words: str) -> bool:
        """Whether this promise broke before: what lasts is seen at every look."""
        return any(words.partition(":")[0] == one.partition(":")[0] for one in self.told.broken)

    def _read(self, body: object) -> None:
        """What a new fact means for the release."""
        told, now = self.told, self.world.clock.now()
        mine = getattr(body, "release", "") == self.script.release or getattr(body, "commit", "") == self.commit
        if not mine or not self.commit:
            return
        match body:
            case kinds.VerdictGiven() if self.passed_at is None:
                self.passed_at = now
            case kinds.RolloutStarted():
                told.steps, told.began = body.shares, body.because
            case kinds.RolloutEnded():
                told.outcome, told.because = OUTCOMES[body.outcome], body.because
                if told.outcome == "promoted" and self.passed_at is not None:
                    told.full_seconds = seconds_between(self.passed_at, now)
            case kinds.ReleaseSuperseded() | kinds.CommitSkipped():
                told.outcome, told.because = "overtaken", OVERTAKEN
            case kinds.BuildFailed():
                told.because = f"its build failed: {body.words}"
            case _:
                pass

    async def _stands(self) -> tuple[ServiceState, StageReport | None]:
        """The service as stored, and what its rollout said last."""
        engine = self.world.engine
        plan = engine.plans.get(self.world.service) if engine is not None else None
        reports = plan.reports if plan is not None else ()
        return await self.world.state(), next((one for one in reports if one.stage == "rollouts"), None)

    def _pause(self, state: ServiceState, report: StageReport | None) -> float:
        """How many seconds may go at once."""
        now, rollout = self.world.clock.now(), state.rollout
        if report is None or self.fault is not None or not self.world.site.is_answering():
            return 1.0
        left = seconds_between(now, report.until_at) if report.until_at is not None else 0.0
        if rollout is None:
            return max(1.0, left) if self.passed_at is not None else 1.0
        if report.until not in FOR_REQUESTS and left < CALENDAR_SECONDS:
            return 1.0
        limit = self.setting.spec.rollout.time_limit_seconds
        rate = self.setting.rhythm.at(now) * rollout.share
        served = sum(sums.requests for sums in self._answered())
        wanted = (1 + GROWTH * served) / rate if rate else limit
        over = seconds_between(now, rollout.began) + limit
        return float(max(1, int(min(wanted, limit / LOOKS_A_LIMIT, max(over, 1.0), left or limit))))

    async def _look_for_rest(self) -> None:
        """Nothing moves by itself any more: a person is asked, or the release never got so far."""
        if self.told.outcome or not await is_settled(self.world):
            return
        state, report = await self._stands()
        said = report.because if report is not None else ""
        if state.rollout is None and self.world.git.branches[(REPOSITORY, "main")] != self.commit:
            self.told.outcome, self.told.because = "overtaken", OVERTAKEN
        elif state.rollout is None:
            self.told.outcome, self.told.because = "never_began", self.told.because or said
        else:
            lasting = self.wanted_requests if said.startswith("no verdict") else ""
            self.told.outcome, self.told.because = "held", f"{said}: {lasting}" if lasting else said

    def _draw_fault(self) -> None:
        now, kinds_of = self.world.clock.now(), self.setting.faults
        if self.fault is not None and now >= self.fault[0]:
            self.fault[1]()
            self.fault = None
        elif self.fault is None and kinds_of and self.chance.random() < FAULT_CHANCE:
            name = self.chance.choice(kinds_of)
            details = random.Random(self.chance.getrandbits(32))
            until = later(now, seconds=self.chance.randint(1, FAULT_SECONDS_MAX))
            self.told.faults[name] += 1
            self.fault = until, KINDS[name].begin(self.world, details)

    def _answered(self) -> Iterator[Sums]:
        """What callers got from the release, at every site."""
        for site in self.world.sites.values():
            if (sums := site.traffic.answered.get(self.script.release)) is not None:
                yield sums

    def _is_routed(self) -> bool:
        """Whether a gateway gives the release any share."""
        return any(
            route.release == self.script.release and route.weight > 0
            for site in self.world.sites.values()
            for piece in site.traffic.wish.services
            for route in piece.routes
        )


def _world(setting: Setting, seed: int) -> World:
    world = World(seed, setting.spec.service, setting.text)
    surround(world, setting.spec)
    return world


def surround(world: World, spec: ServiceSpec) -> None:
    """Let everything lie where the user's file says."""
    world.beside = {f"{path}/included": b"" for path in spec.include}
    world.machine.data = {
        data_path(REPOSITORY, "", location): digest_of(location.encode()) for location in named_locations(spec).values()
    }


def _script(subject: str, behaviour: Behaviour) -> Script:
    return Script(subject, bad=behaviour.errors, milliseconds=1000 * behaviour.seconds)


def _above(sums: Sums, microseconds: int) -> int:
    return sum(count for bucket, count in sums.latency.items() if bucket_bounds(bucket)[0] >= microseconds)


def _open_before(at: Instant, spec: ServiceSpec) -> Instant:
    """The last moment before `at` from which traffic may move for some minutes."""
    for seconds in range(START_SECONDS_MAX, WEEK_SECONDS, CALENDAR_SECONDS):
        begin = later(at, seconds=-seconds)
        ends = later(begin, seconds=START_SECONDS_MAX)
        if frozen_window(spec.freeze, begin, 0) is None and frozen_window(spec.freeze, ends, 0) is None:
            return begin
    raise UserMistake(
        "the freeze windows cover the whole week, so nothing would ever move", code="always-frozen", where="freeze"
    )
