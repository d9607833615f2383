"""What every adapter of `ports/compute.py` must keep, whatever it runs jobs on."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from windlass.ports.compute import Compute, JobRequest, JobSeen

AnswerT = TypeVar("AnswerT")
_SECONDS_MAX = 60.0


def job(name: str, act: str) -> JobRequest:
    """A job of the kit. Under the kit an adapter runs jobs that do what `act` in their body says: `finish` hands back
    `{"told": "<act>"}` after the progress line `half way`, `refuse` fails with trouble user and the words `no such
    column`, `crash` dies without a result, `hang` never ends.
    """
    return JobRequest(job=name, kind="build", service="fraud", body={"act": act})


class ComputeConformance:
    """Inherit, and give the fixture `compute`: an adapter without jobs that runs those of `job`."""

    def run(self, coroutine: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """Run one coroutine to its end; a simulated adapter runs it on its own loop."""
        return asyncio.run(coroutine)

    def test_nothing_runs_at_first(self, compute: Compute) -> None:
        """Without jobs there is nothing to see, and stopping or forgetting an unknown job is no error."""

        async def scene() -> tuple[JobSeen, ...]:
            await compute.stop("build-9")
            await compute.forget("build-9")
            return await compute.look()

        assert () == self.run(scene())

    def test_a_job_ends_with_its_result(self, compute: Compute) -> None:
        """A job that finishes is seen as done, with its result and what kind of job of which service it was."""

        async def scene() -> JobSeen:
            await compute.start(job("build-1", "finish"))
            return await until(compute, "build-1", _has_ended)

        seen = self.run(scene())
        assert ("build-1", "build", "fraud", "done") == (seen.job, seen.kind, seen.service, seen.state)
        assert ({"told": "finish"}, "half way", "") == (seen.result, seen.progress, seen.trouble)

    def test_a_job_that_fails_says_whose_fault_it_is(self, compute: Compute) -> None:
        """A failure comes with its trouble and its words, and without a result."""

        async def scene() -> JobSeen:
            await compute.start(job("build-1", "refuse"))
            return await until(compute, "build-1", _has_ended)

        seen = self.run(scene())
        assert ("failed", "user", "no such column", {}) == (seen.state, seen.trouble, seen.words, seen.result)

    def test_a_job_that_dies_is_a_crash(self, compute: Compute) -> None:
        """A job that is gone without a result has crashed; silence is never success."""

        async def scene() -> JobSeen:
            await compute.start(job("build-1", "crash"))
            return await until(compute, "build-1", _has_ended)

        seen = self.run(scene())
        assert ("failed", "crash") == (seen.state, seen.trouble)
        assert seen.words

    def test_starting_twice_starts_once(self, compute: Compute) -> None:
        """A start that is repeated, because its answer was lost, neither starts a second job nor changes the first."""

        async def scene() -> tuple[tuple[JobSeen, ...], JobSeen]:
            await compute.start(job("build-1", "hang"))
            first = await compute.look()
            await compute.start(job("build-1", "finish"))
            second = await compute.look()
            await compute.stop("build-1")
            assert [seen.began for seen in first] == [seen.began for seen in second]
            return second, await until(compute, "build-1", _has_ended)

        seen, ended = self.run(scene())
        assert [("build-1", "running")] == [(each.job, each.state) for each in seen]
        assert "cancelled" == ended.trouble

    def test_an_ended_job_is_not_run_again(self, compute: Compute) -> None:
        """Starting a job that has ended already, well or badly, changes nothing."""

        async def scene() -> tuple[JobSeen, JobSeen]:
            await compute.start(job("build-1", "crash"))
            before = await until(compute, "build-1", _has_ended)
            await compute.start(job("build-1", "finish"))
            return before, (await compute.look())[0]

        before, after = self.run(scene())
        assert before == after

    def test_a_stopped_job_is_cancelled(self, compute: Compute) -> None:
        """A job that is stopped ends, and is seen as cancelled; stopping it again changes nothing."""

        async def scene() -> tuple[JobSeen, JobSeen]:
            await compute.start(job("build-1", "hang"))
            await compute.stop("build-1")
            ended = await until(compute, "build-1", _has_ended)
            await compute.stop("build-1")
            return ended, (await compute.look())[0]

        ended, again = self.run(scene())
        assert ("failed", "cancelled") == (ended.state, ended.trouble)
        assert ended == again

    def test_a_stop_that_comes_late_takes_no_result_away(self, compute: Compute) -> None:
        """A result stands, although the job was to be stopped after it."""

        async def scene() -> JobSeen:
            await compute.start(job("build-1", "finish"))
            await until(compute, "build-1", _has_ended)
            await compute.stop("build-1")
            return (await compute.look())[0]

        assert "done" == self.run(scene()).state

    def test_a_forgotten_job_is_gone(self, compute: Compute) -> None:
        """A job that was forgotten is not seen any more, the others are, in the order of their ids."""

        async def scene() -> tuple[JobSeen, ...]:
            for name in ("build-3", "build-1", "build-2"):
                await compute.start(job(name, "finish"))
            for name in ("build-1", "build-2", "build-3"):
                await until(compute, name, _has_ended)
            await compute.forget("build-2")
            await compute.forget("build-2")
            return await compute.look()

        assert ["build-1", "build-3"] == [seen.job for seen in self.run(scene())]


async def until(compute: Compute, name: str, is_so: Callable[[JobSeen], bool]) -> JobSeen:
    """Look until the job is as it should be, for a minute of real time at most."""
    deadline = time.monotonic() + _SECONDS_MAX
    while True:
        seen = next((each for each in await compute.look() if each.job == name), None)
        if seen and is_so(seen):
            return seen
        assert time.monotonic() < deadline, f"{name} is still {seen}"
        await asyncio.sleep(0.02)


def _has_ended(seen: JobSeen) -> bool:
    return seen.state != "running"
