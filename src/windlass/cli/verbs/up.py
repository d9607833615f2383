"""`windlass up`: start the supervisor if it does not run, wait until everything answers, and watch the repositories."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from windlass.cli import boot
from windlass.cli.exits import Exit
from windlass.cli.gateway import DEFAULT_PORT, gateway_answers, port_of, working_curl
from windlass.cli.machine import insist, port_holder
from windlass.cli.repositories import Watched, point_to, watched
from windlass.cli.serving import service_answers, wait_until_all_answer
from windlass.cli.session import Session, found_home
from windlass.cli.shared import verb
from windlass.cli.talk import Progress, harmless
from windlass.cli.text.status import service_lines
from windlass.cli.waiting import last_line
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.sdk.homes import Home, home_at, home_named, make_folders, settings_of, sockets_for
from windlass.sdk.locks import running

READY_SECONDS = 90.0  # a cold start on a slow machine takes some ten seconds
READ_SECONDS = 10.0  # how long the first look at a repository is waited for
LOOK_SECONDS = 0.1
HELD = 75  # the exit code of a process whose place is taken


@verb("up")
@click.argument("repositories", nargs=-1, metavar="[REPO]...")
@click.option("--branch", default="", help="The branch to watch; default: the current one.")
@click.option("--port", type=click.IntRange(1, 65535), envvar="WINDLASS_PORT", help="Where services answer (8080).")
@click.option("--at-boot", is_flag=True, help="Also whenever this account's session begins (systemd or launchd).")
def command(session: Session, repositories: tuple[str, ...], branch: str, port: int | None, at_boot: bool) -> int:
    """Start Windlass for a repository (default: the one around this folder).

    It returns once the gateway and every service that has a live release answer; the code is 1 where one does not
    within 90 s, which is said with the reason. Run again, it watches further repositories and repairs what is missing.
    """
    insist()
    if at_boot:
        boot.insist_on_manager()
    found = watched(session, repositories, branch)
    home = _home(session, found[0])
    session.use(home)
    started = _start(session, home, found[0], port)
    for one in found:
        session.api.post("v1", "repositories", body={"repository": one.repository, "branch": one.branch})
        if one.root is not None:
            point_to(home, one.root)
    unit = boot.install(home.name, _again(home, found[0])) if at_boot else None
    return _show(session, found, started, unit)


def _again(home: Home, first: Watched) -> list[str]:
    """The command that starts this Windlass again. Its other repositories are in its facts."""
    return ["up", first.repository, "--branch", first.branch, "--name", home.name]


def _home(session: Session, first: Watched) -> Home:
    """The home of the first repository. A pointer of an earlier `up` counts, so that a home keeps its name."""
    home = home_named(first.name)
    if session.name or first.root is not None:
        home, _ = found_home(session.name, first.root or Path.cwd())
    known = settings_of(home.settings).get("repository", first.repository)
    if known != first.repository:
        raise UserMistake(
            f"the Windlass called {home.name} began with {known}",
            code="home-taken",
            remedy=f"name that one first (`windlass up {known} {first.repository}`), or choose another --name",
        )
    return home


def _start(session: Session, home: Home, first: Watched, port: int | None) -> bool:
    """Make sure that everything runs; True if the supervisor was started."""
    there = running(home, "supervisor") is not None
    known = port_of(home)
    if there and port not in (None, known):
        raise UserMistake(
            f"it runs already, on port {known}", code="other-port", remedy="`windlass down` first, then choose a port"
        )
    if not there:
        _check_port(home, port or known)
        home = _write_settings(home, {"port": port or known, "repository": first.repository})
        session.use(home)
    make_folders(home)
    with session.talk.progress() as progress:
        _wait(session, None if there else _spawn(home), progress)
    return not there


def _check_port(home: Home, port: int) -> None:
    holder = port_holder(port)
    ours = str(home.site) in (holder or "") or str(home.sockets) in (holder or "")  # a gateway that went on alone
    other = port + 10 if port == DEFAULT_PORT else DEFAULT_PORT
    if holder is not None and not ours:
        raise UserMistake(
            f"port {port} is taken by {harmless(holder)}",
            code="port-taken",
            remedy=f"end that, or choose another: `windlass up --port {other}`",
        )


def _write_settings(home: Home, settings: dict[str, Any]) -> Home:
    """Write down what was chosen, and where the sockets lie: where they did, as gateway and replicas may still use
    them; where that folder is gone, by the variables of now."""
    sockets = home.sockets if home.sockets.is_dir() else sockets_for(home.folder)
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = home.settings.with_suffix(".new")
    beside.write_text(json.dumps(settings | {"sockets": str(sockets)}) + "\n", encoding="utf-8")
    os.replace(beside, home.settings)
    return home_at(home.folder)


def _spawn(home: Home) -> "subprocess.Popen[bytes]":
    with open(home.folder / "supervisor.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "windlass.main", "supervisor", "--home", str(home.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _wait(session: Session, supervisor: "subprocess.Popen[bytes] | None", progress: Progress) -> None:
    home = session.home
    deadline = time.monotonic() + READY_SECONDS
    for what, log, there in (
        ("the control plane", home.control / "control.log", session.control_lives),
        ("the site agent", home.site / "site.log", lambda: _answers(session)),
        ("the gateway", home.site / "site.log", lambda: gateway_answers(port_of(home))),
    ):
        while not there():
            code = supervisor.poll() if supervisor is not None else None
            if code not in (None, HELD):
                raise Unavailable(
                    f"the supervisor ended with code {code}: {last_line(home.folder / 'supervisor.log')}",
                    code="not-started",
                    remedy="`windlass doctor` looks for the reason",
                )
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{what} did not answer within {READY_SECONDS:.0f} s: {last_line(log)}",
                    code="not-ready",
                    remedy=f"see {log}, or ask `windlass doctor`",
                )
            progress(f"waiting for {what}")
            time.sleep(LOOK_SECONDS)


def _answers(session: Session) -> bool:
    try:
        session.site.get("status")
    except Unavailable:
        return False
    return True


def _serving(session: Session) -> dict[str, str]:
    """Why each service with a live release does not answer; empty where all do."""
    port = port_of(session.home)
    with session.talk.progress() as progress:
        return wait_until_all_answer(
            lambda: session.api.get("v1", "status")["items"],
            lambda service: service_answers(port, service),
            progress,
            READY_SECONDS,
        )


def _show(session: Session, found: list[Watched], started: bool, unit: boot.Unit | None) -> int:
    home, talk = session.home, session.talk
    _first_look(session, {one.repository for one in found})
    silent = _serving(session)
    status = session.api.get("v1", "status")
    url = f"http://127.0.0.1:{port_of(home)}"
    curls = {item["service"]: working_curl(session, item["service"]) for item in status["items"] if item["live"]}
    services = [
        {
            "service": item["service"],
            "state": item["state"],
            "sentence": item["sentence"],
            "waiting_for": item["waiting_for"] or None,
            "url": f"{url}/predict/{item['service']}",
            "curl": curls.get(item["service"]) or None,
            "silent_because": silent.get(item["service"]),
        }
        for item in status["items"]
    ]
    watching = [{"repository": one.repository, "branch": one.branch} for one in found]
    answer = {"home": home.name, "folder": str(home.folder), "url": url, "started": started}
    answer |= {"at_boot": str(unit.path) if unit else None}
    talk.give("up", answer | {"repositories": watching, "items": services})
    for one in found:
        talk.write(f"watching {harmless(one.branch)} of {harmless(one.repository)}")
    for item in status["items"]:
        talk.write("")
        for line in service_lines(item, str(status["at"]), talk.paint, talk.width):
            talk.write(line)
        if curls.get(item["service"]):
            talk.write(f"  {curls[item['service']]}")
    for complaint in [words for one in status["repositories"] for words in one.get("complaints", ())]:
        talk.write(talk.paint(harmless(str(complaint)), "red"))
    talk.write("")
    talk.write(f"Windlass {home.name} {'runs' if started else 'ran already'}: services answer at {url}")
    if unit is not None:
        talk.write(harmless(f"it starts with your session by {unit.path}; `{unit.undo}` undoes that"))
        talk.say(unit.hint)
    for service, words in silent.items():
        talk.warn(harmless(f"{service} does not answer: {words}; see `windlass logs {service} --source replica`"))
    talk.say("follow it with `windlass status -w`")
    return Exit.TOOL if silent else Exit.DONE


def _first_look(session: Session, wanted: set[str]) -> None:
    """Wait until the repositories were read, for some seconds at most."""
    deadline = time.monotonic() + READ_SECONDS
    with session.talk.progress() as progress:
        while True:
            status = session.api.get("v1", "status")
            read = {one["repository"] for one in status["repositories"] if one.get("commit") or one.get("complaints")}
            if wanted <= read or time.monotonic() > deadline:
                return
            progress("reading the repository")
            time.sleep(LOOK_SECONDS)
