"""`windlass send`: sample rows through the gateway, so that a machine without callers can finish a rollout."""

from collections.abc import Mapping
from typing import Any

import click

from windlass.cli.exits import Exit
from windlass.cli.flags import DURATION, RATE
from windlass.cli.gateway import port_of
from windlass.cli.load import Load, Record, send
from windlass.cli.names import complete_service, noun_and_name, only, services_of
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.text.curl import example_row
from windlass.kernel.errors import Unavailable, UserMistake


@verb("send")
@click.argument("service", default="", metavar="[SERVICE]", shell_complete=complete_service)
@click.option("--rows", type=click.Path(exists=True, dir_okay=False), help="A .csv or .parquet file; default: samples.")
@click.option("--rate", type=RATE, default="50/s", help="How many requests: 50/s.")
@click.option("--for", "seconds", type=DURATION, default="2m", help="How long: 2m.")
def command(session: Session, service: str, rows: str | None, rate: float, seconds: float) -> int:
    """Send requests to a service and keep a record of what became of each.

    They are marked as synthetic, and verdicts state their share: they show errors and latency, not what callers do.

    The code is 1 where a request got no answer or failed (5xx); the record is printed all the same.
    """
    name = noun_and_name(service)[1] if service else only(services_of(session))
    sample = session.api.get("v1", "services", name, "sample")
    load = Load(port_of(session.home), name, _rows(session, sample, rows), rate, seconds)
    with session.talk.progress() as progress:
        record = send(load, lambda record: progress(_so_far(record, load), "sending"))
    session.talk.give("send", _answer(record, load))
    for line in _summary(record):
        session.talk.write(harmless(line))
    if record.lost == record.sent:
        raise Unavailable(
            f"no request was answered; {harmless(record.said)}", code="no-gateway", remedy="see `windlass doctor`"
        )
    return _code(session, record)


def _code(session: Session, record: Record) -> Exit:
    """1 where a caller would have got nothing. A refused request (4xx) is an answer: the rows do not fit."""
    bad = record.lost + record.failed
    if not bad:
        return Exit.DONE
    what = "one request" if bad == 1 else f"{bad:,} requests"
    session.talk.warn(f"{what} got no answer or failed; see `windlass doctor` and `windlass logs --source replica`")
    return Exit.TOOL


def _rows(session: Session, sample: Mapping[str, Any], path: str | None) -> list[Mapping[str, Any]]:
    columns = [str(column["name"]) for column in sample["signature"].get("columns") or ()]
    if path is None:
        made = example_row(sample["signature"])
        found = sample["rows"] or ([made] if made else [])
        if not found:
            raise UserMistake(
                "no sample rows are recorded for this release", code="no-sample", remedy="give --rows FILE"
            )
        return list(found)
    table = session.doors.tables().read(path)
    names = [name for name in table.columns if not columns or name in columns]
    missing = sorted(set(columns) - set(names))
    if missing:
        raise UserMistake(
            f"the file lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            code="missing-columns",
            where=path,
            remedy="the model needs all of its columns",
        )
    if not table.rows:
        raise UserMistake("the file has no rows", code="no-rows", where=path)
    return [dict(zip(names, row, strict=True)) for row in zip(*(table.columns[name] for name in names), strict=True)]


def _so_far(record: Record, load: Load) -> str:
    return f"{record.sent:,} of {load.total:,} sent, {record.answered:,} answered, {_bad(record):,} not"


def _bad(record: Record) -> int:
    return record.refused + record.failed + record.lost


def _answer(record: Record, load: Load) -> dict[str, Any]:
    return {
        "service": load.service,
        "sent": record.sent,
        "answered": record.answered,
        "refused": record.refused,
        "failed": record.failed,
        "lost": record.lost,
        "releases": dict(sorted(record.releases.items())),
        "p50_seconds": _seconds(record.quantile(0.5)),
        "p99_seconds": _seconds(record.quantile(0.99)),
        "words": record.said or None,
    }


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 6)


def _summary(record: Record) -> list[str]:
    bad = f"{record.refused:,} refused, {record.failed:,} failed, {record.lost:,} without an answer"
    lines = [f"{record.sent:,} sent: {record.answered:,} answered, {bad}"]
    if record.milliseconds:
        lines.append(f"half within {record.quantile(0.5):.1f} ms, 99 % within {record.quantile(0.99):.1f} ms")
    for release, count in record.releases.most_common():
        lines.append(f"  {release}  {count:,}")
    return [*lines, f"last trouble: {record.said}"] if record.said else lines
