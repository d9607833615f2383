"""What simulated builds and gates come to, and how simulated releases answer: told by each commit's script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from windlass.adapters.simulated.compute import Outcome
from windlass.delivery.gates.lines import ThresholdLine, parse_line
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.instants import NEVER
from windlass.ports.compute import JobRequest, JobSeen


@dataclass(frozen=True, slots=True)
class Script:
    """One commit: its gate's verdict, how its build ends, and how its release answers.

    `build` is ok, user or network; `bad` the share of requests that fail; `milliseconds` the median duration;
    `starts` False for a release whose replicas never get ready; `same_as` the subject of a commit with equal content.
    """

    subject: str
    gate: str = "pass"
    build: str = "ok"
    bad: float = 0.0
    milliseconds: float = 20.0
    starts: bool = True
    same_as: str = ""
    build_seconds: float = 5.0
    gate_seconds: float = 3.0

    @property
    def release(self) -> Digest:
        """The digest of the release that the commit leads to."""
        return _release(self.same_as or self.subject)


@dataclass(slots=True)
class Scripts:
    """All scripts by commit; the story of the simulated compute."""

    by_commit: dict[str, Script] = field(default_factory=dict)
    _newest: dict[str, Script] = field(default_factory=dict)  # by release

    def add(self, commit: str, script: Script) -> None:
        """What a commit is like; of one release the newest script holds."""
        self.by_commit[commit] = script
        self._newest[script.release] = script

    def named(self, subject: str) -> Script:
        """The newest script of this subject.

        Raises:
            KeyError: no commit has this subject.
        """
        found = [script for script in self.by_commit.values() if script.subject == subject]
        if not found:
            raise KeyError(subject)
        return found[-1]

    def of_release(self, release: str) -> Script | None:
        """The newest script that leads to this release."""
        return self._newest.get(release)

    def starts(self, release: str) -> bool:
        """Whether the model server of this release starts."""
        script = self.of_release(release)
        return script is None or script.starts

    def __call__(self, request: JobRequest) -> Outcome:
        """How a job goes."""
        script = self.by_commit[str(request.body["commit"])]
        if request.kind == "gate":
            return Outcome(script.gate_seconds, _done(_verdict(script, request.body)))
        if script.build != "ok":
            words = "train.py ended with exit code 1" if script.build == "user" else "no route to the package index"
            seen = JobSeen("", "", "", "failed", NEVER, trouble=script.build, words=words)
            return Outcome(script.build_seconds, seen)
        result = {
            "release": script.release,
            "size_bytes": 1000,
            "format": "skops",
            "signature": {},
            "provenance": {},
            "seconds": script.build_seconds,
        }
        return Outcome(script.build_seconds, _done(result))


@lru_cache(maxsize=4096)
def _release(content: str) -> Digest:
    return digest_of(f"release of {content}".encode())


def _done(result: Mapping[str, object]) -> JobSeen:
    return JobSeen("", "", "", "done", NEVER, result=result)


def _verdict(script: Script, body: Mapping[str, Any]) -> dict[str, object]:
    threshold = _threshold(body)
    value = threshold + {"pass": 0.05, "fail": -0.09, "unsure": 0.0}[script.gate]
    return {
        "commit": body["commit"],
        "champion": body["champion"],
        "best": body["best"],
        "verdict": script.gate,
        "sentence": f"roc_auc {value:.2f}, threshold {threshold:.2f}",
        "checks": [],
        "policy": body["policy"],
        "holdout": "",
        "query": 0,
        "scores": "",
        "seconds": script.gate_seconds,
    }


def _threshold(body: Mapping[str, Any]) -> float:
    """The threshold of roc_auc in the file that is judged by, where it has one."""
    lines = [parse_line(line["text"]) for line in body["spec"]["gate"]]
    found = [line.threshold for line in lines if isinstance(line, ThresholdLine) and line.metric.name == "roc_auc"]
    return found[0] if found else 0.70
