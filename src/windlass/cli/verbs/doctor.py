"""`windlass doctor`: everything that has to be right on this machine, and which setting won."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from windlass.cli.exits import Exit
from windlass.cli.gateway import gateway_answers, port_of
from windlass.cli.machine import Found, extra, port_holder, python, system
from windlass.cli.session import Session, found_home
from windlass.cli.shared import verb
from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import size, wrapped
from windlass.cli.waiting import last_line
from windlass.kernel.errors import WindlassError
from windlass.sdk.homes import Home
from windlass.sdk.locks import running

DISK_FREE_MIN = 0.10  # below it builds pause
SIGNS = {"ok": ("+", "green"), "warning": ("!", "yellow"), "wrong": ("x", "red")}


@verb("doctor")
def command(session: Session) -> int:
    """Check Python, platform, gateway, Git, ports, folders, disk, sockets and processes, and say what to do.

    The code is 1 where something is wrong.
    """
    checks = [python(), system(), extra(), _gateway_program(session), _git(session)]
    try:
        home, why = found_home(session.name, Path.cwd())
    except WindlassError as error:
        checks.append(Found("home", "warning", error.what, error.remedy))
    else:
        session.use(home)
        checks.append(Found("home", "ok", f"{home.folder}, from {why}"))
        checks += _of_home(session, home)
    checks += _settings()
    items = [{"name": one.name, "level": one.level, "words": one.words, "remedy": one.remedy or None} for one in checks]
    session.talk.give("doctor", {"well": all(one.level != "wrong" for one in checks), "items": items})
    for one in checks:
        for line in _lines(one, session.talk.paint, session.talk.width):
            session.talk.write(line)
    return Exit.TOOL if any(one.level == "wrong" for one in checks) else Exit.DONE


def _lines(one: Found, paint: Paint, width: int) -> Iterator[str]:
    sign, colour = SIGNS[one.level]
    lines = wrapped(f"{sign} {one.name:<16}", harmless(one.words), width)
    yield paint(lines[0][:1], colour) + lines[0][1:]
    yield from lines[1:]
    if one.remedy:
        yield from wrapped(" " * 18 + "> ", harmless(one.remedy), width)


def _gateway_program(session: Session) -> Found:
    try:
        path = session.doors.gateway()
    except WindlassError as error:
        return Found("gateway program", "wrong", error.what, error.remedy)
    if os.access(path, os.X_OK):
        return Found("gateway program", "ok", path)
    return Found("gateway program", "wrong", f"{path} cannot be run", "install windlass[local] again")


def _git(session: Session) -> Found:
    try:
        session.doors.git()
    except ImportError as error:
        return Found("git", "wrong", f"pygit2 cannot be loaded: {error}", "install windlass again")
    program = shutil.which("git")
    return Found("git", "ok", f"read by pygit2; the program is {program or 'not there, and not needed to serve'}")


def _of_home(session: Session, home: Home) -> Iterator[Found]:
    if not home.folder.is_dir():
        yield Found("state", "warning", "nothing was started here yet", "`windlass up`")
        return
    yield _rights(home.folder, "state")
    yield _disk(home)
    alive = running(home, "supervisor") is not None
    for role in ("supervisor", "control", "site"):
        process = running(home, role)
        log = {"supervisor": home.folder, "control": home.control, "site": home.site}[role] / f"{role}.log"
        if process is not None:
            yield Found(role, "ok", f"runs as process {process.pid}; log {log}")
        else:
            level = "wrong" if alive else "warning"
            yield Found(role, level, f"does not run; the last word of {log}: {last_line(log)}", "`windlass up`")
    if home.sockets.is_dir():
        yield _rights(home.sockets, "sockets")
    yield _control(session, alive)
    yield _site(session, alive)
    yield _gateway(home, alive)


def _rights(folder: Path, name: str) -> Found:
    seen = folder.stat()
    if seen.st_uid != os.getuid():
        return Found(name, "wrong", f"{folder} belongs to another account", "remove it, or act as its owner")
    if seen.st_mode & 0o077:
        return Found(name, "wrong", f"{folder} is open to other accounts", f"`chmod 700 {folder}`")
    if not os.access(folder, os.W_OK):
        return Found(name, "wrong", f"{folder} cannot be written to", f"`chmod 700 {folder}`")
    return Found(name, "ok", f"{folder}, private")


def _disk(home: Home) -> Found:
    usage = shutil.disk_usage(home.folder)
    free = usage.free / usage.total
    words = f"{size(usage.free)} of {size(usage.total)} are free ({free:.0%})"
    if free < DISK_FREE_MIN:
        return Found("disk", "wrong", f"{words}, so builds pause", "`windlass gc`, or make room")
    return Found("disk", "ok", words)


def _control(session: Session, alive: bool) -> Found:
    try:
        status = session.api.get("v1", "status")
    except WindlassError as error:
        return Found("control plane", "wrong" if alive else "warning", error.what, error.remedy)
    trouble = str(status.get("trouble") or "")
    if trouble:
        return Found("control plane", "wrong", trouble, "it goes on by itself when the cause is gone")
    count = len(status["items"])
    services = "one service" if count == 1 else f"{count} services"
    return Found("control plane", "ok", f"answers; {services}, generation {status['generation']}")


def _site(session: Session, alive: bool) -> Found:
    try:
        seen = session.site.get("status")
    except WindlassError as error:
        return Found("site agent", "wrong" if alive else "warning", error.what, error.remedy)
    stuck = "; ".join(f"{what}: {words}" for what, words in sorted(seen.get("stuck", {}).items()))
    if stuck:
        return Found("site agent", "wrong", f"stuck: {stuck}", "it goes on by itself when the cause is gone")
    return Found("site agent", "ok", f"answers; runs plan {seen['generation']}")


def _gateway(home: Home, alive: bool) -> Found:
    port = port_of(home)
    if gateway_answers(port):
        return Found("gateway", "ok", f"answers at http://127.0.0.1:{port}")
    holder = port_holder(port)
    if holder is not None:
        return Found("gateway", "wrong", f"port {port} is taken by {holder}", "end that, or `windlass up --port`")
    words = f"nothing listens on port {port}"
    return Found("gateway", "wrong" if alive else "warning", words, f"see {home.site / 'site.log'}" if alive else "")


def _settings() -> Iterator[Found]:
    """Variables that change what Windlass does. Values of secrets are never shown."""
    for name in sorted(os.environ):
        if name.startswith("WINDLASS_") or name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "NO_COLOR"):
            secret = "TOKEN" in name or "KEY" in name
            yield Found("variable", "ok", f"{name} is set" if secret else f"{name}={os.environ[name]}")
