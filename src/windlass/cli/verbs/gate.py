"""`windlass gate`: two tables of answers judged on the spot, with the same statistics as a delivery."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.kernel.errors import UserMistake, clip

if TYPE_CHECKING:
    from windlass.delivery.gates.ledger import Ledger
    from windlass.delivery.gates.offline import Answer

TABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Champion(click.Path):
    """A file; a release of a running Windlass is known, and not there yet."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and "@" in value and "://" in value:
            raise UserMistake(
                "the answers of a release cannot be asked for so far",
                code="not-yet",
                where=f"--champion {clip(value)}",
                remedy="give a file with its answers to the same rows",
            )
        return super().convert(value, param, ctx)


@verb("gate", outputs=("text", "json", "junit", "markdown"))
@click.option("--candidate", required=True, type=TABLE, help="The new model's answers: .csv or .parquet.")
@click.option(
    "--champion",
    type=Champion(exists=True, dir_okay=False, path_type=Path),
    help="The answers of the model that is in use; without: comparisons are unsure.",
)
@click.option("--labels", type=TABLE, help="What was true, where the candidate's file does not say.")
@click.option("--check", "checks", multiple=True, metavar="LINE", help='A gate line: "roc_auc >= 0.7". Repeat it.')
@click.option("--by-row", is_flag=True, help="Join by position instead of by id.")
@click.option("--positive", default="", help="Which label counts as positive.")
@click.option("--id", "id_", default="id", help="The column that names a row.")
@click.option("--label", default="label", help="The column that says what was true.")
@click.option("--prediction", default="prediction", help="The column with the predicted class or number.")
@click.option("--score", default="score", help="The column with the predicted score.")
@click.option("--unit", default="", help="The column that says whose row it is, where one person has several.")
@click.option(
    "--ledger", type=click.Path(dir_okay=False, path_type=Path), help="A file that counts how often rows were asked."
)
def command(session: Session, candidate: Path, champion: Path | None, labels: Path | None, **flags: Any) -> int:
    """Is the candidate good enough, and no worse than the champion?

    \b
    The code: 0 pass, 10 fail (a statistical no), 11 not enough evidence, 1 or 2 no verdict exists.
    Without --check the columns choose: a score roc_auc, classes accuracy, numbers mae.
    """
    from windlass.delivery.gates import report
    from windlass.delivery.gates.offline import Names, Question, judge_tables

    tables = session.doors.tables()
    mine = tables.read(str(candidate))
    question = Question(
        names=Names(flags["id_"], flags["label"], flags["prediction"], flags["score"], flags["unit"]),
        checks=flags["checks"],
        labels=tables.read(str(labels)).columns if labels else None,
        by_row=flags["by_row"],
        positive=_positive(flags["positive"], mine.columns.get(flags["label"], ())),
        ledger=_read_ledger(flags["ledger"]) if flags["ledger"] else None,
        name=mine.digest or candidate.name,
    )
    answer = judge_tables(mine.columns, tables.read(str(champion)).columns if champion else None, question)
    if flags["ledger"] and answer.ledger is not None:
        _write_ledger(flags["ledger"], answer.ledger)
    _show(session, answer, candidate.stem, kept=bool(flags["ledger"]))
    return report.exit_code(answer.outcome.verdict)


def _positive(written: str, labels: Any) -> Any:
    """The positive label in the type of the column that holds it."""
    if not written:
        return None
    return next((label for label in labels if str(label) == written), written)


def _show(session: Session, answer: "Answer", name: str, *, kept: bool) -> None:
    from windlass.delivery.gates import report

    talk = session.talk
    if talk.output == "json":
        talk.give(
            "gate",
            report.json_object(answer.outcome, name) | {"checks": list(answer.checks), "listed": list(answer.listed)},
        )
    elif talk.output == "junit":
        talk.raw(report.junit(answer.outcome, name))
    elif talk.output == "markdown":
        talk.raw(report.markdown(answer.outcome, name))
    else:
        if answer.chosen:
            talk.write(f"check: {harmless(answer.checks[0])} (chosen from the columns; --check says otherwise)")
        talk.raw(harmless(report.text_table(answer.outcome)))
        for line in answer.listed:
            talk.write(harmless(line))
    if not kept:
        talk.say("no ledger was kept, so asking again about the same rows makes a pass too easy; --ledger FILE counts")


def _read_ledger(path: Path) -> "Ledger":
    from windlass.delivery.gates.ledger import Ledger
    from windlass.kernel.records import from_json

    if not path.exists():
        return Ledger()
    try:
        return from_json(Ledger, json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserMistake(
            f"this is no ledger: {error}", code="bad-ledger", where=str(path), remedy="name another file"
        ) from error


def _write_ledger(path: Path, ledger: "Ledger") -> None:
    from windlass.kernel.records import to_json

    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(to_json(ledger)) + "\n", encoding="utf-8")
    beside.replace(path)
