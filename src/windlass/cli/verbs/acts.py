"""People's acts on a service. Each is stored as a fact with its reason, carried out by the next pass, and answered.

With the control plane dead, rollback, abort and pause go to the site agent, which takes the way back that its
plan names.
"""

from datetime import UTC, datetime

import click

from windlass.cli.exits import Exit, exit_of, worst
from windlass.cli.flags import UNTIL
from windlass.cli.names import complete_service, only, service_and_release, services_of
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.text.layout import local_times
from windlass.kernel.errors import Unavailable, UserMistake, WindlassError
from windlass.sdk.client import Request

SITE_SECONDS = 20.0  # all traffic is back within 15 s
Arguments = dict[str, str | bool | int]

_reason = click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the act.")
_until = click.option(
    "--until", type=UNTIL, metavar="TIME", help="When the freeze ends by itself: 2026-12-24T18:00+01:00, or 2h."
)
_names = click.argument("names", nargs=-1, metavar="[SERVICE] [RELEASE]", shell_complete=complete_service)
_service = click.argument("names", nargs=-1, metavar="[SERVICE]", shell_complete=complete_service)


@verb("promote")
@_names
@click.option("--full", is_flag=True, help="All of the traffic, without the steps between.")
@click.option("--now", is_flag=True, help="With --full: replace a rollout that is under way.")
@click.option("--override", is_flag=True, help="Although the gate did not pass; needs --reason.")
@_reason
def promote(session: Session, names: tuple[str, ...], reason: str, **flags: bool) -> int:
    """Move a release on: to the next step of its rollout, or with --full to all of the traffic.

    A gate that failed or is unsure refuses this, with code 13, unless --override and --reason are given.
    """
    if flags["override"]:
        _need(reason, "promote --override")
    if flags["now"] and not flags["full"]:
        raise UserMistake("--now goes with --full", code="usage", remedy="add --full")
    if flags["now"]:
        _need(reason, "promote --full --now")
    return _one(session, "promote", names, {name: True for name, given in flags.items() if given}, reason)


@verb("abort")
@_service
@click.option("--build", is_flag=True, help="End the build or gate that runs, and leave a rollout as it is.")
@_reason
def abort(session: Session, names: tuple[str, ...], build: bool, reason: str) -> int:
    """End the rollout under way: its release goes to 0 % and into quarantine.

    Without a rollout, or with --build, end the build and the gate that run; `windlass retry` starts them again.
    """
    return _one(session, "abort", names, {"build": True} if build else {}, reason)


@verb("pause")
@_service
@_reason
def pause(session: Session, names: tuple[str, ...], reason: str) -> int:
    """Keep the rollout where it is until `windlass resume`. Harm still sends it back."""
    return _one(session, "pause", names, {}, reason)


@verb("resume")
@_service
@_reason
def resume(session: Session, names: tuple[str, ...], reason: str) -> int:
    """Let traffic move again after a pause, a freeze or a rollback.

    Where there are several services and none is named, all that are frozen: what undoes a freeze of all.
    """
    if not names and (frozen := _frozen_of_several(session)):
        return _carry_out(session, "resume", frozen, {}, reason)
    return _one(session, "resume", names, {}, reason)


def _frozen_of_several(session: Session) -> list[str]:
    """The services that are frozen, where there is more than one service."""
    items = session.api.get("v1", "status")["items"]
    return [str(item["service"]) for item in items if item["frozen"]] if len(items) > 1 else []


def _rollback(session: Session, names: tuple[str, ...], to: str, until: int | None, reason: str) -> int:
    """Go back to the previous release, or to another one, and freeze the service.

    What it leaves is quarantined. Commits are built and judged meanwhile; `windlass resume`, or the time of --until,
    lets traffic move again.
    """
    arguments: Arguments = {"to": to} if to else {}
    return _one(session, "rollback", names, arguments | ({"until": until} if until is not None else {}), reason)


_to = click.option("--to", default="", metavar="RELEASE", help="Which release; default: the previous one.")
rollback = verb("rollback")(_service(_to(_until(_reason(_rollback)))))
undo = verb("undo")(_rollback)


@verb("retry")
@_names
@click.option(
    "--fresh-env", is_flag=True, help="Build anew what the newest commit wants; resolve its requirements again."
)
@_reason
def retry(session: Session, names: tuple[str, ...], fresh_env: bool, reason: str) -> int:
    """Build or judge again what failed. With a release: lift its quarantine, which needs --reason."""
    service, release = service_and_release(session, names, services_of(session))
    if fresh_env and release:
        raise UserMistake("--fresh-env builds the newest commit", code="usage", remedy="name a service, and no release")
    if fresh_env:
        return _carry_out(session, "retry", [service], {"fresh_env": True}, reason)
    if release:
        _need(reason, "retry of a release")
    return _carry_out(session, "retry", [service], {"release": release} if release else {}, reason)


@verb("retire")
@_service
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_reason
def retire(session: Session, names: tuple[str, ...], yes: bool, reason: str) -> int:
    """Take a service down for good. Its facts stay, and a new commit that touches it brings it back."""
    service, _ = service_and_release(session, names, services_of(session))
    session.sure(f"take {service} down, so that it answers no more", yes)
    return _carry_out(session, "retire", [service], {}, reason)


@verb("freeze")
@_service
@_until
@_reason
def freeze(session: Session, names: tuple[str, ...], until: int | None, reason: str) -> int:
    """Stop all movement of traffic, of one service or of all; commits are still built and judged."""
    _need(reason, "freeze")
    known = services_of(session)
    chosen = [service_and_release(session, names, known)[0]] if names else known or [only(known)]
    return _carry_out(session, "freeze", chosen, {"until": until} if until is not None else {}, reason)


def _need(reason: str, act: str) -> None:
    if not reason.strip():
        raise UserMistake(f"{act} needs a reason", code="usage", remedy='add --reason "..."')


def _one(session: Session, verb: str, names: tuple[str, ...], arguments: Arguments, reason: str) -> int:
    if verb in ("rollback", "abort", "pause") and not session.control_lives():
        return _at_site(session, verb, names, arguments, reason)
    service, release = service_and_release(session, names, services_of(session))
    if release:
        arguments = arguments | {"to" if verb == "rollback" else "release": release}
    return _carry_out(session, verb, [service], arguments, reason)


def _carry_out(session: Session, verb: str, services: list[str], arguments: Arguments, reason: str) -> int:
    """Ask for the act, service by service; a refusal of one does not keep the others from it."""
    codes, answers = [], []
    for service in services:
        try:
            answer = session.api.post("v1", "services", service, verb, body={"reason": reason, "arguments": arguments})
        except Unavailable as error:
            if verb not in ("rollback", "abort", "pause") or error.code in ("no-answer-yet", "not-running"):
                raise
            return _at_site(session, verb, (service,), arguments, reason)
        except WindlassError as error:
            if len(services) == 1:
                raise
            session.talk.warn(harmless(f"{service}: {error}"))
            codes.append(exit_of(error))
            continue
        answers.append(answer)
        session.talk.write(local_times(harmless(f"{service}: {answer['sentence']}"), datetime.now(UTC).isoformat()))
    if len(services) == 1:
        session.talk.give("act", answers[0])
    else:
        session.talk.give("acts", {"items": answers})
    return worst(codes)


def _at_site(session: Session, verb: str, names: tuple[str, ...], arguments: Arguments, reason: str) -> int:
    """The site agent carries it out alone, and the control plane adopts it later."""
    if arguments.get("build"):
        raise Unavailable(
            "builds and gates belong to the control plane, and it does not answer",
            code="no-build-alone",
            remedy="`windlass up` starts it again; then repeat this",
        )
    seen = session.site.get("status")
    service, release = service_and_release(session, names, [str(one["service"]) for one in seen["services"]])
    if release or arguments.get("to"):
        raise Unavailable(
            "the control plane does not answer, and the site alone knows one way back only",
            code="no-choice-alone",
            remedy=f"`windlass {verb} {service}` without a release takes it",
        )
    session.talk.warn("the control plane does not answer; the site agent carries this out alone")
    if "until" in arguments:
        session.talk.warn("a site knows no end of a freeze: this one lasts until `windlass resume`")
    body = {"service": service, "who": session.account, "reason": reason.strip() or "no reason given"}
    answer = session.site.ask(Request(f"/{verb}", body=body, seconds=SITE_SECONDS))
    given = {"service": service, "verb": verb, "outcome": "done", "sentence": answer["words"], "site": seen["site"]}
    session.talk.give("act", given)
    session.talk.write(harmless(str(answer["words"])))
    return Exit.DONE
