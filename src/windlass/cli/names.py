"""Names as people type them: `<noun>/<name>`, a bare service, a cut digest or commit."""

import re
from typing import Any

from windlass.cli.session import Session
from windlass.kernel.errors import UserMistake
from windlass.sdk.client import Answer

NOUNS = ("services", "rollouts", "gates", "builds", "releases")
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
        noun, name = noun_and_name(text)
        if noun == "services" and name not in known and _HEX.fullmatch(name):
            noun = "releases"
        if noun == "releases":
            release = name
        else:
            service = name
    if release and not service:
        service = str(_why(session, release)["service"])
    return service or only(known), release


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
