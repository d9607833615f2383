"""`windlass logs`: what builds, gates and replicas wrote."""

import time
from collections.abc import Iterator
from pathlib import Path

import click

from windlass.cli.flags import DURATION
from windlass.cli.names import complete_service, noun_and_name, only, services_of
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.kernel.errors import UserMistake

SOURCES = ("build", "gate", "replica")
FOLLOW_SECONDS = 0.3


@verb("logs")
@click.argument("service", default="", metavar="[SERVICE]", shell_complete=complete_service)
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted; a new log is followed when it begins.")
@click.option("--source", type=click.Choice(SOURCES), help="Whose log; default: the one that was written last.")
@click.option("--since", type=DURATION, metavar="DURATION", help="Every log written within this time: 10m.")
@click.option("--job", default="", help="The log of one job; `status -o json` names them.")
def command(session: Session, service: str, follow: bool, since: float | None, **which: str | None) -> None:
    """The newest log of a service, or with --since all that were written to lately."""
    source, job = which["source"], which["job"] or ""
    if follow and since is not None:
        raise UserMistake("--follow and --since do not go together", code="usage", remedy="choose one")
    name = noun_and_name(service)[1] if service else only(services_of(session))
    chosen = [source] if source else list(SOURCES)
    logs = sorted((_written(path), kind, path) for kind in chosen for path in _paths(session, name, kind, job))
    if since is not None:
        logs = [log for log in logs if log[0] >= time.time() - since]
    elif not follow:
        logs = logs[-1:]
    if follow:
        _follow(session, name, chosen, job)
        return
    if not logs:
        session.talk.say(f"no log of {name} yet")
    for _, kind, path in logs:
        if len(logs) > 1:
            session.talk.write(session.talk.paint(f"==> {kind} {Path(path).name} <==", "bold"))
        for piece in _pieces(session, name, kind, path):
            _print(session, kind, path, piece)


def _paths(session: Session, service: str, source: str, job: str) -> list[str]:
    answer = session.api.get("v1", "logs", service, source=source, job=job, after=1 << 62)
    return [str(path) for path in answer["paths"]]


def _written(path: str) -> float:
    """When a log was written to last; it may be gone by now."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def _pieces(session: Session, service: str, source: str, path: str, after: int = 0) -> Iterator[str]:
    while True:
        answer = session.api.get("v1", "logs", service, source=source, path=path, after=after)
        if not answer["text"]:
            return
        after = int(answer["after"])
        yield str(answer["text"])


def _follow(session: Session, service: str, sources: list[str], job: str) -> None:
    """The log that was written last, from its beginning; then whatever is written to."""
    places: dict[str, int] = {}
    while True:
        logs = sorted((_written(path), kind, path) for kind in sources for path in _paths(session, service, kind, job))
        if not places and len(logs) > 1:
            places = {path: Path(path).stat().st_size for _, _, path in logs[:-1]}
        for _, kind, path in logs:
            answer = session.api.get("v1", "logs", service, source=kind, path=path, after=places.get(path, 0))
            places[path] = int(answer["after"])
            if answer["text"]:
                _print(session, kind, path, str(answer["text"]))
        time.sleep(FOLLOW_SECONDS)


def _print(session: Session, source: str, path: str, piece: str) -> None:
    session.talk.give("log", {"source": source, "path": path, "text": piece})
    session.talk.raw(harmless(piece.replace("\r\n", "\n").replace("\r", "\n")))
