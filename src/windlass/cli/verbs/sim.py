"""`windlass sim`: what a file would mean for callers, played on a virtual clock before it is merged."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windlass.cli.exits import Exit
from windlass.cli.flags import RATE, Quantity
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.text.sim import sim_lines
from windlass.cli.working import spec_path
from windlass.kernel import quantities
from windlass.kernel.errors import UserMistake, clip

if TYPE_CHECKING:
    from windlass.delivery.sources.types import ServiceSpec
    from windlass.sim.behaviour import Behaviour

SHOWN_MAX = 5
BASE = "errors=0.1%,latency=20ms"


@verb("sim")
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--traffic", type=RATE, default="100/s", metavar="RATE", help="How many requests come: 200/s, 30/min.")
@click.option(
    "--night",
    type=Quantity("share", quantities.share),
    default="100%",
    metavar="SHARE",
    help="What is left of the traffic at three at night: 20%.",
)
@click.option("--base", default=BASE, metavar="HOW", help=f"How the champion answers: {BASE}.")
@click.option(
    "--bad",
    "bads",
    multiple=True,
    metavar="HOW",
    help="A bad release: errors=2%, latency=+30% or x1.5; repeat it. Without: two usual ones.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=30,
    metavar="N",
    help="Virtual days, each with at least one release.",
)
@click.option(
    "--runs", type=click.IntRange(1, 100_000), metavar="N", help="Harmless releases; of each bad one half as many."
)
@click.option("--faults", default="none", metavar="KINDS", help="Faults meanwhile: all, none, or names with commas.")
@click.option("--seed", type=click.IntRange(0), default=1, metavar="N", help="The same seed gives the same answer.")
@click.option("--only", type=click.IntRange(1), metavar="N", help="Follow the N-th release of each alone.")
def command(session: Session, path: Path, **flags: Any) -> int:
    """Play a windlass.yaml on a virtual clock before it is merged.

    How often would a harmless release be rolled back, how long would a bad one live, how many callers would it hurt?
    The real control plane and site agent decide; callers, releases and faults are simulated. Nothing is built.

    The code is 0 whatever the answer is, and 1 if a promise of Windlass broke, which would be a bug.
    """
    from windlass.sim.behaviour import Rhythm
    from windlass.sim.forecast import Question, forecast
    from windlass.sim.stories import Setting

    file, text, spec = _read(path)
    base, bads = _behaviours(flags["base"], flags["bads"])
    setting = Setting(text, spec, Rhythm(flags["traffic"], flags["night"]), base, _faults(flags["faults"]))
    runs = flags["runs"] or max(100, flags["days"])
    question = Question(setting, bads, flags["days"], runs, flags["seed"], flags["only"] or 0)
    with session.talk.progress() as progress:
        found = forecast(question, lambda done, of: progress(f"{done} of {of} releases were followed", "simulating"))
    for one in found["broken"]:
        one["again"] = _again(path, runs, one["number"], flags)
    answer = {"service": spec.service, "path": str(file), **found}
    session.talk.give("sim", answer)
    for line in sim_lines(answer, session.talk.paint, session.talk.width):
        session.talk.write(line)
    return Exit.TOOL if answer["broken"] else Exit.DONE


def _again(path: Path, runs: int, number: int, flags: dict[str, Any]) -> str:
    """The command that plays one release again."""
    words = ["windlass", "sim", str(path), "--traffic", f"{flags['traffic']!r}/s", "--night", repr(flags["night"])]
    words += ["--base", flags["base"], *(word for bad in flags["bads"] for word in ("--bad", bad))]
    words += ["--days", str(flags["days"]), "--runs", str(runs), "--faults", flags["faults"]]
    return shlex.join([*words, "--seed", str(flags["seed"]), "--only", str(number)])


def _read(path: Path) -> "tuple[Path, str, ServiceSpec]":
    """The file, its text and what it says; all that is wrong with it at once."""
    from windlass.delivery.gates.lines import gate_check
    from windlass.delivery.sources.parse import service_of
    from windlass.delivery.sources.reading import read_document

    file = spec_path(path) if path.is_dir() else path
    if not file.is_file():
        raise UserMistake(
            "there is no windlass.yaml", code="no-file", where=str(path), remedy="`windlass init` writes one"
        )
    data = file.read_bytes()
    document = read_document(data, str(file))
    if not isinstance(document, tuple) and "services" in document.value and "service" not in document.value:
        raise UserMistake(
            "lists services and is none itself",
            code="no-service",
            where=str(file),
            remedy=_listed(file.parent, document.value["services"]),
        )
    spec = document if isinstance(document, tuple) else service_of(document, gate_check)
    if isinstance(spec, tuple):
        raise UserMistake("\n".join(harmless(one.sentence()) for one in spec), code="bad-file")
    return file, data.decode(), spec


def _listed(root: Path, services: object) -> str:
    """What to type instead: the folders of the services that are there."""
    named = [root / one for one in services if isinstance(one, str)] if isinstance(services, list) else []
    found = [f"`windlass sim {harmless(str(folder))}`" for folder in named if spec_path(folder).is_file()]
    return f"name one of them: {', '.join(found[:SHOWN_MAX])}" if found else "none of their folders has a file yet"


def _behaviours(base: str, bads: tuple[str, ...]) -> "tuple[Behaviour, tuple[tuple[str, Behaviour], ...]]":
    from windlass.sim.behaviour import Behaviour, read_bad, read_behaviour, usual_bads

    where = "--base"
    try:
        champion = read_behaviour(base, Behaviour())
        where = "--bad"
        return champion, tuple((bad, read_bad(bad, champion)) for bad in dict.fromkeys(bads or usual_bads(champion)))
    except ValueError as error:
        raise UserMistake(str(error), code="bad-behaviour", where=where) from error


def _faults(written: str) -> tuple[str, ...]:
    """Names of faults, blanks written as hyphens if one likes."""
    from windlass.sim.faults import KINDS

    if written in ("all", "none"):
        return tuple(sorted(KINDS)) if written == "all" else ()
    known = {_plain(name): name for name in KINDS}
    wanted = [_plain(name) for name in written.split(",")]
    for name in wanted:
        if name not in known:
            raise _no_fault(name, sorted(known))
    return tuple(sorted({known[name] for name in wanted}))


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "-").replace("'", "")


def _no_fault(name: str, known: list[str]) -> UserMistake:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    remedy = f"did you mean {near[0]}?" if near else f"use all, none, or some of {', '.join(known)}"
    return UserMistake(f'there is no fault called "{clip(name)}"', code="no-fault", where="--faults", remedy=remedy)
