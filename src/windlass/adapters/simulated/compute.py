"""Jobs whose results a story decides: how long each takes and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from windlass.kernel.instants import Instant, later
from windlass.ports.compute import JobRequest, JobSeen
from windlass.ports.world import Clock


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job goes: after `seconds` it is seen as `seen` (its job, kind, service and began are filled in)."""

    seconds: float
    seen: JobSeen


Story = Callable[[JobRequest], Outcome]


@dataclass(slots=True)
class SimulatedCompute:
    """`starts` counts the jobs that were really started: starting twice must start once."""

    clock: Clock
    story: Story
    running: dict[str, tuple[JobRequest, Instant, Outcome]] = field(default_factory=dict)
    ended: dict[str, JobSeen] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)

    async def start(self, request: JobRequest) -> None:
        """Start the job, unless it is known."""
        if request.job in self.running or request.job in self.ended:
            return
        self.starts.append(request.job)
        self.running[request.job] = (request, self.clock.now(), self.story(request))

    async def look(self) -> tuple[JobSeen, ...]:
        """Every job that is known."""
        now = self.clock.now()
        for name, (request, began, outcome) in list(self.running.items()):
            if now >= later(began, seconds=outcome.seconds):
                self.ended[name] = replace(
                    outcome.seen, job=name, kind=request.kind, service=request.service, began=began
                )
                del self.running[name]
        running = [
            JobSeen(name, request.kind, request.service, "running", began)
            for name, (request, began, _) in self.running.items()
        ]
        return tuple(sorted([*running, *self.ended.values()], key=lambda job: job.job))

    async def stop(self, job: str) -> None:
        """Cancel a running job."""
        if job in self.running:
            request, began, _ = self.running.pop(job)
            words = "it was cancelled"
            self.ended[job] = JobSeen(
                job, request.kind, request.service, "failed", began, trouble="cancelled", words=words
            )

    async def forget(self, job: str) -> None:
        """Drop an ended job."""
        self.ended.pop(job, None)
