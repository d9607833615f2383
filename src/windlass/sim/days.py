"""Random days: a stormy part, in which anything may happen, and a calm one.

In the calm nothing is broken any more, and the system must come to rest: what is asked for is answered, the loop
converges, a settled system stores nothing. Quiet hours may follow, in which only callers call.
"""

import asyncio
import signal
import traceback
from types import FrameType

from windlass.adapters.simulated.taps import Killed
from windlass.kernel.digests import digest_of_value
from windlass.sim.promises import Witness
from windlass.sim.rest import differences, idle, is_at_rest, is_settled, left_over, stale_plans, untold, writes
from windlass.sim.scripts import Script
from windlass.sim.storms import Storm
from windlass.sim.weather import Day, Weather

CALM_SECONDS_MAX = 1800  # a time limit, two retries of a build and a rollout fit in
NOTICE_SECONDS = 30  # that a fault has ended is noticed at the next look at Git and the machine, not at that instant
REST_SECONDS = 15
QUIET_PACE_SECONDS = 5  # as often as the control plane itself looks where nothing moves
DAY_SECONDS_MAX = 120.0  # of processor time: a day takes some seconds; who takes minutes turns in a circle
WAIT_SECONDS_MAX = 1200.0  # of real time, for one that waits for itself


class _NoEnd(BaseException):
    """The day takes too long."""


def lived(storm: Storm) -> Day:
    """One day from beginning to end, for the main thread. One that does not end has broken a promise, too."""
    before = signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, DAY_SECONDS_MAX)
    try:
        return asyncio.run(asyncio.wait_for(live_through(storm), WAIT_SECONDS_MAX))
    except (_NoEnd, TimeoutError):
        words = f"A day ends within {DAY_SECONDS_MAX:.0f} s of processor time: this one did not"
        return Day(storm.seed, broken=[words], digest=digest_of_value([storm.seed, words]))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _ring(signum: int, frame: FrameType | None) -> None:
    raise _NoEnd


async def live_through(storm: Storm) -> Day:
    """One day; it ends at the first broken promise, and at the first error that comes out of it."""
    weather = Weather(storm)
    day = weather.day
    try:
        await _storm_and_calm(weather, storm)
    except (Exception, Killed) as error:
        where = traceback.extract_tb(error.__traceback__)[-1].name
        day.broken.append(f"second {day.seconds}: No error comes out ({type(error).__name__} in {where}): {error}")
    day.digest = await weather.world.history()
    return day


async def _storm_and_calm(weather: Weather, storm: Storm) -> None:
    happenings = list(storm.happenings)
    await weather.world.begin_with(Script("v0"))
    for second in range(storm.seconds):
        weather.end_faults(second)
        while happenings and happenings[0].second == second:
            await weather.happen(happenings.pop(0))
        if not await weather.tick():
            return
    weather.calm()
    end, wrong = weather.day.seconds + CALM_SECONDS_MAX, None
    while wrong is None and await _calm(weather, end):
        wrong = await _at_rest(weather)
    weather.day.broken += wrong or []
    for _ in range(storm.quiet_seconds // QUIET_PACE_SECONDS):
        if weather.day.broken or not await weather.tick(QUIET_PACE_SECONDS):
            return


async def _calm(weather: Weather, end: int) -> bool:
    """Live on until the world seems at rest, or the calm is over; False where a promise broke."""
    for second in range(end - weather.day.seconds):
        if second >= NOTICE_SECONDS and second % NOTICE_SECONDS == 0:
            if await is_settled(weather.world):
                break
            await weather.leave_what_does_not_start()
        if not await weather.tick():
            return False
    return True


async def _at_rest(weather: Weather) -> list[str] | None:
    """What is wrong at the end of the calm; None where it was none, because late evidence moved a rollout whose time
    limit is over."""
    world, witness = weather.world, weather.witness
    wrong = await is_at_rest(world)
    if wrong:
        return [f"After faults stop it comes to rest within {CALM_SECONDS_MAX} s: {wrong}"]
    before, moves, rollout = writes(world), _moves(weather), (await world.state()).rollout
    for _ in range(REST_SECONDS):
        if not await weather.tick():
            return []
    if rollout is not None and not rollout.paused_by and _moves(weather) != moves:
        return None
    written = writes(world) - before
    if written:
        return [f"A settled system makes no writes: {dict(written)}"]
    assert world.engine is not None
    world.engine.woken = True  # so that what is compared was planned, or kept, at this very instant
    if not await weather.tick():
        return []
    return [
        *differences(world),
        *left_over(world),
        *await idle(world),
        *await untold(world),
        *await stale_plans(world),
        *_unanswered(witness),
    ]


def _moves(weather: Weather) -> int:
    """How often a rollout has moved so far."""
    return weather.witness.kinds["StepTaken"] + weather.witness.kinds["RolloutEnded"]


def _unanswered(witness: Witness) -> list[str]:
    """Acts and entries of journals that were accepted and of which nothing came."""
    acts = [f"the act {act} was never answered" for act in sorted(witness.asked) if not witness.once[f"ActEnded {act}"]]
    entries = [
        f"entry {seq} of {site} was never adopted"
        for site, seq in sorted(witness.journalled)
        if not witness.once[f"SiteActed {site}/{seq}"]
    ]
    return [f"Nothing acknowledged is lost: {words}" for words in (*acts, *entries)]
