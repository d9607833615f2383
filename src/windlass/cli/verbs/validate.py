"""`windlass validate`: everything that is wrong with a file, at once."""

from pathlib import Path

import click

from windlass.cli.columns import column_complaints
from windlass.cli.exits import Exit
from windlass.cli.session import Session, repository_root
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.working import read_working, spec_path
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.kinds import PYTHONS
from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.pythons import PYTHON_FILES, python_version
from windlass.kernel.errors import Complaint, UserMistake


@verb("validate")
@click.argument("path", default=".", type=click.Path(path_type=Path))
def command(session: Session, path: Path) -> int:
    """Check windlass.yaml of a repository, a folder or one file, and say all that is wrong with line and column.

    Complaints are the answer: they go to stdout, and the code is 2.
    """
    services, complaints = _file(path) if path.is_file() else _folder(session, path)
    items = [{"where": one.where, "field": one.field, "what": one.what} for one in complaints]
    session.talk.give("validate", {"valid": not items, "services": services, "items": items})
    for complaint in complaints:
        session.talk.write(harmless(complaint.sentence()))
    if complaints:
        return Exit.USAGE
    session.talk.say(f"{', '.join(services)}: all is well")
    return Exit.DONE


def _file(path: Path) -> tuple[list[str], list[Complaint]]:
    """One file, and what the files beside it say about its Python."""
    found = parse_service(path.read_bytes(), str(path), gate_check)
    if isinstance(found, tuple):
        return [], list(found)
    beside = {name: path.parent / name for name in PYTHON_FILES}
    files = {name: one.read_bytes() for name, one in beside.items() if one.is_file()}
    try:
        python_version(files, found.python, PYTHONS[0])
    except UserMistake as mistake:
        where = str(beside.get(mistake.where, path))
        return [], [Complaint(where, "" if mistake.where in beside else "python", f"{mistake.what}; {mistake.remedy}")]
    return [found.service], []


def _folder(session: Session, folder: Path) -> tuple[list[str], list[Complaint]]:
    """A whole repository with the paths that its files name; outside of Git the folder's file alone."""
    if not folder.is_dir():
        raise UserMistake("there is no such file or folder", code="no-such-path", where=str(folder))
    if repository_root(folder.resolve()) is None:
        if not spec_path(folder).is_file():
            raise UserMistake(
                "there is no windlass.yaml", code="no-file", where=str(folder), remedy="`windlass init` writes one"
            )
        return _file(spec_path(folder))
    working = read_working(session.doors, folder)
    reading = working.reading
    refused = [one for file in reading.refused for one in file.complaints]
    complaints = [*reading.complaints, *refused, *column_complaints(session.doors, working)]
    return [found.name for found in reading.services], complaints
