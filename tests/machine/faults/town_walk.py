"""Faults on the real processes of a whole town: the site agent as it starts cold, the control plane as it commits.

Here the fault meets everything at once: the gateway's files, records of processes, sockets, Git, jobs. After each fault
the killed process starts again as the supervisor would start it.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from tests.end_to_end.kit import GOOD, SERVICE, Windlass, alive
from tests.machine.faults.strace import CALLS, HARMLESS, Fault, counted, met, program
from tests.machine.towns import PATIENT, calling, eventually, history, members

START_SECONDS_MAX = 90.0
REFUSED = 13
_TRIED_AGAIN = "/.processes.json."  # by the next look, without a word


class Faulty:
    """One of our processes under strace, and what it said and did."""

    def __init__(self, one: Windlass, role: str, fault: Fault | None) -> None:
        self._one, self._role, self.fault = one, role, fault
        self.record = one.folder / "strace.txt"
        self.record.write_text("")
        self.log = one.folder / f"{role}-under-fault.txt"
        self.log.write_text("")
        self._process = self._start(("-e", fault.option) if fault else ())

    def _start(self, injected: Sequence[str]) -> "subprocess.Popen[bytes]":
        # What our process starts is let go, so that no fault falls on a gateway, a replica or a job.
        strace = (program(), "-f", "-b", "execve", "-y", "-o", str(self.record), *injected)
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [*strace, "-e", f"trace=?{',?'.join(CALLS)}", *_command(self._one, self._role)],
                cwd="/",
                env={**self._one.environment, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Kill it, if it still runs; what it started goes on."""
        pid = self._one.pids().get(self._role)
        if not self.has_ended and pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)

    @property
    def call(self) -> str:
        """The call that the fault fell on; empty where it fell on none."""
        return met(self.record, self.fault) if self.fault else ""


def _command(one: Windlass, role: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "windlass.main", role, "--home", str(one.home.folder))


def start(one: Windlass, role: str) -> None:
    """Start one of our processes as the supervisor does."""
    with open(one.folder / f"{role}-again.txt", "ab") as log:
        subprocess.Popen(
            _command(one, role),
            cwd="/",
            env=one.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ).returncode = 0  # it outlives this object
    eventually(f"the start of {role}", lambda: role in one.pids() and (role == "site" or one.status() is not None))


def without_supervisor(one: Windlass) -> None:
    """Nobody starts anything but the test; who was just being started finds the lock held, and ends."""
    pid = one.kill("supervisor")
    eventually("the end of the supervisor", lambda: not alive(pid))
    for role in ("control", "site"):
        mark = f"windlass.main {role} --home {one.home.folder}"
        eventually(f"one {role}", lambda role=role, mark=mark: [*members(mark)] == [one.pids().get(role)])  # type: ignore[misc]


def site_calls(one: Windlass) -> Counter[str]:
    """The calls of a site agent that starts cold."""
    _kill_site(one)
    faulty = Faulty(one, "site", None)
    _serves(one)
    faulty.end()
    start(one, "site")
    return counted(faulty.record)


def site_point(one: Windlass, fault: Fault) -> list[str]:
    """What is wrong after a fault on a site agent that starts cold."""
    _kill_site(one)
    faulty = Faulty(one, "site", fault)
    with calling(one, 1, pause=0.05) as callers:
        eventually("an answer or an end", lambda: callers.count() > 3 or faulty.has_ended, START_SECONDS_MAX)
        faulty.end()
        start(one, "site")
        callers.more(5, START_SECONDS_MAX)
    found = []
    is_heard = fault.effect == "SIGKILL" or HARMLESS.search(faulty.call) or _TRIED_AGAIN in faulty.call
    if faulty.call and not is_heard and not faulty.log.read_text().strip():
        found.append(f"nothing was said: {faulty.call}")
    if "Traceback" in faulty.log.read_text():
        found.append(f"a bug ended it: {faulty.log.read_text()[-1500:]}")
    with suppress(AssertionError):
        eventually("one gateway", lambda: not _strangers(one), 20.0)
    return [*found, *_strangers(one)]


def _kill_site(one: Windlass) -> None:
    pids = [*one.gateway(), *one.replicas(), *([one.pids()["site"]] if "site" in one.pids() else [])]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually("the end of the site", lambda: not any(alive(pid) for pid in pids))


def _serves(one: Windlass) -> None:
    with calling(one, 1, pause=0.05) as callers:
        callers.more(5, START_SECONDS_MAX)


def _strangers(one: Windlass) -> list[str]:
    """Gateways that the site started and does not know."""
    found = set(members("envoy", str(one.home.site)))
    return [] if found == set(one.gateway()) else [f"gateways {found} run, known are {one.gateway()}"]


def control_calls(one: Windlass, number: int) -> Counter[str]:
    """The calls of a control plane that starts and takes a commit."""
    faulty, _ = _change(one, None, number)
    faulty.end()
    start(one, "control")
    return counted(faulty.record)


def control_point(one: Windlass, fault: Fault, number: int) -> list[str]:
    """What is wrong after a fault on a control plane that starts and carries out a commit and a person's acts."""
    seen = history(one, 0)
    with calling(one, 1, pause=0.05) as callers:
        faulty, acknowledged = _change(one, fault, number)
        faulty.end()
        start(one, "control")
        item = one.wait("the change", lambda item: _timeout(one) == _seconds(number))
        history(one, seen)
    found = [f"{len(callers.failures())} requests failed"] if callers.failures() else []
    if "Traceback" in faulty.log.read_text():
        found.append(f"a bug ended it: {faulty.log.read_text()[-1500:]}")
    if acknowledged and not item["frozen"]:
        found.append("an acknowledged act is gone")
    assert one.run("resume", SERVICE).returncode in (0, REFUSED), one.log[-1]  # an act that was refused froze nothing
    return found


def _change(one: Windlass, fault: Fault | None, number: int) -> tuple[Faulty, bool]:
    """A commit that changes the policy, and a freeze; whether the freeze was acknowledged."""
    pid = one.kill("control")
    eventually("the end of the control plane", lambda: not alive(pid))
    faulty = Faulty(one, "control", fault)
    one.commit(f"policy {number}", GOOD.replace("VERSION", "v0"), PATIENT.replace("5s", f"{_seconds(number)}s"))
    eventually("an answer or an end", lambda: one.status() is not None or faulty.has_ended)
    one.sync()
    acknowledged = one.run("freeze", SERVICE, "--reason", "drill").returncode == 0
    eventually("the change or an end", lambda: _timeout(one) == _seconds(number) or faulty.has_ended)
    return faulty, acknowledged


def _seconds(number: int) -> int:
    return 6 + number % 20


def _timeout(one: Windlass) -> float:
    """The time-out that the site has in force."""
    with suppress(OSError, ValueError):
        state = json.loads((one.home.site / "state.json").read_text())
        return float(state["routed"]["services"][0]["timeout_seconds"])
    return 0.0
