"""`windlass plan`: what the working copy would bring about, before anything is committed."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from windlass.cli.columns import column_complaints
from windlass.cli.exits import Exit
from windlass.cli.flags import RATE
from windlass.cli.forecast import Known, expected_seconds, forecast
from windlass.cli.holdout import holdout_seen, pointers_seen
from windlass.cli.names import complete_service, noun_and_name
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.text.plan import RATES, default_lines, head, plan_lines
from windlass.cli.working import Working, read_working
from windlass.delivery.sources.registry import KEYS
from windlass.delivery.sources.types import FoundService
from windlass.kernel.errors import UserMistake, WindlassError, clip


@verb("plan")
@click.argument("service", default="", metavar="[SERVICE]", shell_complete=complete_service)
@click.option("--rate", type=RATE, help="How many requests callers send, for the expected time: 20/s.")
@click.option("--show-defaults", is_flag=True, help="Also what the file does not say, with the reasons.")
def command(session: Session, service: str, rate: float | None, show_defaults: bool) -> int:
    """Read the working copy, uncommitted changes included, and say what would follow from committing it.

    With a name it says so of that service alone.

    What runs is compared with it where Windlass runs here. The code is 0 whether or not anything would change.
    """
    working = read_working(session.doors, Path.cwd())
    status = _status(session)
    gone = _gone(working, status)
    if service:
        working, gone = _only(working, gone, noun_and_name(service)[1])
    items = [_item(session, working, found, status, rate) for found in working.reading.services]
    refused = [one for bad in working.reading.refused for one in bad.complaints]
    complaints = [*working.reading.complaints, *refused, *column_complaints(session.doors, working)]
    defaults = _defaults(working) if show_defaults else []
    answer = {
        "root": str(working.root),
        "commit": working.commit or None,
        "uncommitted": list(working.changed),
        "changed": None if status is None else bool(gone) or any(item["changed"] for item in items),
        "items": items,
        "gone": gone,
        "complaints": [complaint.sentence() for complaint in complaints],
        "defaults": defaults,
    }
    session.talk.give("plan", answer)
    _write(session, answer)
    return Exit.USAGE if complaints else Exit.DONE


def _only(working: Working, gone: list[str], name: str) -> tuple[Working, list[str]]:
    """The working copy with one of its services. What is wrong with the file of another one, or with a file whose
    service nobody can name, stays out.

    Raises:
        UserMistake: there is no such service.
    """
    reading = working.reading
    names = {*(one.name for one in reading.services), *(one.name for one in reading.refused), *gone}
    known = sorted(names - {""})
    if name not in known:
        words = f"no service {clip(name)} is in this working copy"
        raise UserMistake(words, code="no-such-service", remedy=f"known: {', '.join(known) or 'none'}")
    services = tuple(one for one in reading.services if one.name == name)
    refused = tuple(one for one in reading.refused if one.name == name)
    chosen = replace(working, reading=replace(reading, services=services, refused=refused))
    return chosen, [one for one in gone if one == name]


def _write(session: Session, answer: Mapping[str, Any]) -> None:
    talk = session.talk
    talk.write(head(answer))
    for complaint in answer["complaints"]:
        talk.write(talk.paint(harmless(complaint), "red"))
    for item in answer["items"]:
        talk.write("")
        for line in plan_lines(item, talk.paint, talk.width):
            talk.write(line)
    for name in answer["gone"]:
        talk.write("")
        talk.write(harmless(f"{name}  gone from this copy: it keeps serving until `windlass retire {name}`"))
        talk.write("  a service that was renamed is a new one")
    if answer["defaults"]:
        talk.write("")
        for line in default_lines(answer["defaults"], talk.width):
            talk.write(line)


def _status(session: Session) -> dict[str, Any] | None:
    """What runs; None where nothing does, and where nothing can."""
    if os.name == "nt":
        return None
    try:
        return session.api.get("v1", "status")
    except WindlassError:
        return None


def _item(
    session: Session, working: Working, found: FoundService, status: dict[str, Any] | None, rate: float | None
) -> dict[str, Any]:
    items = {item["service"]: item for item in (status or {"items": []})["items"]}
    known = None
    if found.name in items:
        facts = session.api.get("v1", "facts", service=found.name, limit=1000)["items"]
        known = Known(items[found.name], tuple(facts))
    made = forecast(found, known, status is not None, rate)
    made["gate"]["holdout"] = holdout_seen(session.doors, working, found, known)
    made["build"]["pointers"] = pointers_seen(working, found)
    made["replicas"] = {"forked": session.doors.machine(str(working.root)).forks()}
    rates = (rate,) if rate else RATES
    return made | {"expected": {f"{one:g}/s": round(expected_seconds(found.spec, one), 1) for one in rates}}


def _gone(working: Working, status: dict[str, Any] | None) -> list[str]:
    """Services that came from here and that this copy no longer holds."""
    here = {found.name for found in working.reading.services} | {bad.name for bad in working.reading.refused}
    if status is None or not working.reading.complete:
        return []
    return [
        str(item["service"])
        for item in status["items"]
        if (item["commit"] or {}).get("repository") == str(working.root) and item["service"] not in here
    ]


def _defaults(working: Working) -> list[dict[str, str]]:
    from windlass.delivery.sources.reading import read_document

    written: set[str] = set()
    for path, data in sorted(working.files.items()):
        document = read_document(data, path)
        if not isinstance(document, tuple):
            written |= _keys(document.value, "")
    return [
        {"key": key.name, "default": key.default, "reason": key.reason}
        for key in KEYS
        if (key.default or key.reason) and not key.not_yet and key.name not in written
    ]


def _keys(value: Mapping[str, Any], prefix: str) -> set[str]:
    names = {f"{prefix}{name}" for name in value}
    below = (_keys(item, f"{prefix}{name}.") for name, item in value.items() if isinstance(item, Mapping))
    return names.union(*below)
