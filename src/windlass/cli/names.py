"""Names as people type them: `<noun>/<name>`, a bare service, a cut digest or commit."""

import os
import re
from pathlib import Path
from typing import Any

import click

from windlass.cli.session import Session, found_home
from windlass.kernel.errors import UserMistake, WindlassError
from windlass.sdk.client import Answer, Client, Request

NOUNS = ("services", "rollouts", "gates", "builds", "releases")
COMPLETION_SECONDS = 1.0  # who presses TAB waits for it
_HEX = re.compile(r"(?:blake3:)?[0-9a-f]{8,64}")


def noun_and_name(text: str) -> tuple[str, str]:
    """The parts of a name; a bare one is a service.

    >>> noun_and_name("fraud"), noun_and_name("releases/3f2a91c0")
    (('services', 'fraud'), ('releases', '3f2a91c0'))

    Raises:
        UserMistake: there is no such noun.
    """
    noun, slash, name = text.partition("/")
    if not slash:
        return "services", text
    singular = {noun.removesuffix("s"): noun for noun in NOUNS}
    noun = singular.get(noun, noun)
    if noun not in NOUNS or not name:
        raise UserMistake(
            f'"{text}" names nothing', code="no-such-noun", remedy=f"use one of {', '.join(NOUNS)}/<name>"
        )
    return noun, name


def services_of(session: Session) -> list[str]:
    """Every service that the control plane knows."""
    return [str(item["service"]) for item in session.api.get("v1", "status")["items"]]


def service_and_release(session: Session, names: tuple[str, ...], known: list[str]) -> tuple[str, str]:
    """What an act is about, from at most two names: a service, a release, or both; the release may be empty.

    Without a name it is the only service that there is.

    Raises:
        UserMistake: the names say nothing of the kind, or not which service.
    """
    service = release = ""
    for text in names:
        noun, name = release_or_service(text, known)
        if noun == "releases":
            release = name
        else:
            service = name
    if release and not service:
        service = str(_why(session, release)["service"])
    return service or only(known), release


def release_or_service(text: str, known: list[str]) -> tuple[str, str]:
    """The parts of a name; a bare one that is no service, and could be a digest or a commit, is a release."""
    noun, name = noun_and_name(text)
    return ("releases" if noun == "services" and name not in known and _HEX.fullmatch(name) else noun), name


def complete_service(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The services that begin so, for a shell's TAB; none where nothing answers at once."""
    given = {**(context.parent.params if context.parent else {}), **context.params}
    try:
        home, _ = found_home(given.get("name") or os.environ.get("WINDLASS_NAME", ""), Path.cwd())
        answer = Client(home.api_socket).ask(Request("/v1/status", seconds=COMPLETION_SECONDS))
    except (WindlassError, OSError):
        return []
    return [name for item in answer["items"] if (name := str(item["service"])).startswith(incomplete)]


def only(known: list[str]) -> str:
    """The only service.

    Raises:
        UserMistake: there are none, or several.
    """
    if len(known) == 1:
        return known[0]
    words = f"there are several services: {', '.join(known)}" if known else "there is no service yet"
    raise UserMistake(words, code="which-service", remedy="name one" if known else "see `windlass status`")


def _why(session: Session, release: str) -> Answer:
    return session.api.get("v1", "why", "releases", release)


def text_of(value: Any) -> str:
    """A value of the API as text; empty for null."""
    return "" if value is None else str(value)
