"""A whole Windlass for the tests of the machine: callers that time every answer, and processes found by their marks."""

import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.end_to_end.kit import DEADLINE_SECONDS, LOOK_SECONDS, SERVICE, SPEC, Windlass, alive

ALL = os.environ.get("WINDLASS_WALK") == "all"  # `make test-machine WINDLASS_WALK=all`
PATIENT = SPEC.replace("timeout: 2s", "timeout: 5s")  # a replica that starts again may take some seconds
ANSWER_SECONDS_MAX = 40.0
LIVE_SECONDS_MAX = 200.0

Span = tuple[float, float]  # from, to: seconds of the monotonic clock


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it ended, how long it took, its status (0: no answer at all), who answered, what was wrong."""

    ended: float
    seconds: float
    status: int
    release: str
    words: str = ""


@dataclass
class Callers:
    """Callers that send one row after the other, each over a kept connection, and write down every answer. Between two
    rows they wait `pause` seconds; steady ones send a row every `pause` seconds, and one that has to wait for the
    answer before it is timed from the moment when it was due."""

    port: int
    pause: float
    is_steady: bool = False
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def failures(self, since: float = 0.0) -> list[Answer]:
        """What went wrong for callers."""
        return [one for one in self.answers if one.ended >= since and not 200 <= one.status < 500]

    def count(self) -> int:
        """How many good answers there were."""
        return sum(one.status == 200 for one in self.answers)

    def within(self, *spans: Span) -> list[Answer]:
        """The answers of some times."""
        return [one for one in self.answers if any(since <= one.ended < until for since, until in spans)]

    def more(self, count: int = 50, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until some more good answers came."""
        before = self.count()
        eventually(f"{count} more answers", lambda: self.count() >= before + count, seconds)

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        body = json.dumps({"humidity": 0.7, "temperature": 12.5})
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due + self.pause - time.monotonic())):
            due = began = due + self.pause if self.is_steady else time.monotonic()
            try:
                connection.request("POST", f"/predict/{SERVICE}", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read().decode()[:200]
                found = (answer.status, answer.headers.get("x-windlass-release", ""), text)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                found = (0, "", repr(error))
            ended = time.monotonic()
            due = due if self.is_steady else ended
            self.answers.append(Answer(ended, ended - began, *found))
        connection.close()


def p99(answers: Sequence[Answer]) -> float:
    """The latency in seconds that 99 of 100 good answers did not exceed."""
    found = sorted(one.seconds for one in answers if one.status == 200)
    assert found, "nobody was answered"
    return found[min(len(found) - 1, len(found) * 99 // 100)]


@contextmanager
def calling(one: Windlass, callers: int = 2, pause: float = 0.02, *, steady: bool = False) -> Iterator[Callers]:
    """Callers for as long as the block lasts; at its end the last answers are awaited."""
    found = Callers(one.port, pause, steady)
    threads = [threading.Thread(target=found._call, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found._stop.set()
        for thread in threads:
            thread.join(ANSWER_SECONDS_MAX)


def live(one: Windlass, commit: str) -> dict[str, Any]:
    """Wait until a commit's release has all of the traffic, however slow the machine is under all these faults."""
    return one.wait(
        f"commit {commit[:12]} live",
        lambda item: item["state"] == "live" and bool(item["live"]) and item["live"]["commit"] == commit,
        LIVE_SECONDS_MAX,
    )


def weights(one: Windlass) -> tuple[int, ...]:
    """The shares of the service's releases that the site routes, in hundredths of a per cent; empty where none."""
    with suppress(OSError, ValueError):
        state = json.loads((one.home.site / "state.json").read_text())
        return tuple(route["weight"] for piece in state["routed"]["services"] for route in piece["routes"])
    return ()


def eventually(what: str, true: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something is true; a failure names it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(LOOK_SECONDS)


def members(*marks: str) -> dict[int, str]:
    """The processes whose command line holds all of the marks."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(mark in line for mark in marks) and int(folder.name) != os.getpid() and alive(int(folder.name)):
                found[int(folder.name)] = line
    return found


def history(one: Windlass, seen: int) -> int:
    """See that no fact is gone and no step, release or act stands twice; how many facts there are now."""
    facts = one.facts()
    assert [fact["number"] for fact in facts] == sorted({fact["number"] for fact in facts})
    assert len(facts) >= seen, "an acknowledged fact is gone"
    for kind, name in (("StepTaken", "step_id"), ("ReleaseMade", "commit"), ("ActEnded", "act")):
        counts = Counter(fact["body"][name] for fact in facts if fact["kind"] == kind)
        assert set(counts.values()) <= {1}, f"{kind} stands twice: {counts}"
    return len(facts)
