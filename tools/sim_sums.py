"""What many simulated days come to, and how far a long run has got: a killed one goes on where it was."""

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

from windlass.sim.faults import KINDS
from windlass.sim.weather import Day

DAY_SECONDS = 86_400
YEAR_HOURS = 8_760.0
YEAR_FAULTS = 200_000
KIND_SHARE_MIN = 0.01
ANSWERS_SHARE_MIN = 0.5


@dataclass(slots=True)
class Sums:
    """What all days came to. `rollouts` are counted by virtual day of 24 hours, the last of which is not over."""

    days: int = 0
    seconds: int = 0
    real_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)  # the seeds of the days that broke a promise
    rollouts: list[int] = field(default_factory=lambda: [0])

    def add(self, day: Day) -> None:
        """Count one more day."""
        self.days += 1
        self.seconds += day.seconds
        self.faults += day.faults
        self.facts += day.facts
        self.broken += [f"seed {day.seed}: {words}" for words in day.broken]
        self.failed += [day.seed] if day.broken else []
        self.rollouts[-1] += day.facts["RolloutStarted"]
        while len(self.rollouts) <= self.seconds // DAY_SECONDS:
            self.rollouts.append(0)

    @property
    def hours(self) -> float:
        """Virtual hours."""
        return self.seconds / 3600

    def report(self, processes: int) -> dict[str, object]:
        """The sums as JSON."""
        total = max(1, sum(self.faults.values()))
        return {
            "commit": commit(),
            "seeds": self.days,
            "virtual_hours": round(self.hours, 1),
            "faults": sum(self.faults.values()),
            "faults_changing_an_answer": round(self._answers() / total, 3),
            "faults_by_kind": dict(sorted(self.faults.items())),
            "rarest_kind": round(min(self.faults[name] for name in KINDS) / total, 4),
            "facts": sum(self.facts.values()),
            "rollouts_in_the_quietest_day": min(self.rollouts[:-1], default=self.rollouts[0]),
            "broken": self.broken,
            "real_seconds": round(self.real_seconds),
            "times_real_time_per_core": round(self.seconds / max(1.0, self.real_seconds) / processes),
        }

    def wanting(self) -> list[str]:
        """What a virtual year lacks."""
        total = sum(self.faults.values())
        rare = [name for name in sorted(KINDS) if self.faults[name] < KIND_SHARE_MIN * total]
        quiet = sum(count == 0 for count in self.rollouts[:-1])
        found = [f"{total:,} faults are fewer than {YEAR_FAULTS:,}"] if total < YEAR_FAULTS else []
        found += [f"less than 1 % of the faults are: {', '.join(rare)}"] if rare else []
        if self._answers() < ANSWERS_SHARE_MIN * total:
            found.append("less than half of the faults change an answer")
        return found + ([f"{quiet} virtual days have no rollout"] if quiet else [])

    def _answers(self) -> int:
        return sum(count for name, count in self.faults.items() if KINDS[name].changes_answer)


def commit() -> str:
    """The commit of the code that runs, with a mark where the code is not the commit's."""
    argv = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def keep(path: Path, run: str, sums: Sums) -> None:
    """Write down how far a run has got."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps({"run": run, "sums": {one.name: getattr(sums, one.name) for one in fields(sums)}}))
    os.replace(fresh, path)


def kept(path: Path, run: str) -> Sums:
    """How far the same run has got before; nothing where it is another one, or code without a commit."""
    found = json.loads(path.read_text()) if path.exists() else {}
    if found.get("run") != run or "dirty" in run:
        return Sums()
    sums = Sums(**found["sums"])
    sums.faults, sums.facts = Counter(sums.faults), Counter(sums.facts)
    return sums
