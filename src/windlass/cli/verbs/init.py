"""`windlass init`: a working example, written into a repository without touching what is there."""

import re
from pathlib import Path

import click

from windlass.cli.session import Session, repository_root
from windlass.cli.shared import verb
from windlass.delivery.sources.keys import SPEC_NAME
from windlass.kernel.errors import UserMistake

_COMMIT = ("  git add -A && git commit -m 'First release'", "  windlass plan", "  windlass up")


@verb("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--service", default="", help="The service's name; default: the folder's.")
def command(session: Session, folder: Path, service: str) -> None:
    """Write an example that trains, is judged and serves as it is: windlass.yaml, train.py and two small tables.

    Nothing that exists is overwritten, and nothing is committed.
    """
    from windlass.delivery.sources.template import TABLES, starter_files

    name = service or _name_of(folder.resolve().name)
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", name):
        raise UserMistake(
            f'"{name}" cannot name a service', code="bad-name", where="--service", remedy="use a-z, 0-9 and -"
        )
    files = starter_files(name, {table: session.doors.starter(table).decode() for table in TABLES})
    if (folder / "windlass.yaml").exists():
        raise UserMistake(
            "there is a windlass.yaml already", code="file-exists", where=str(folder), remedy="`windlass plan` reads it"
        )
    written, kept = [], []
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(target, "x", encoding="utf-8") as file:
                file.write(text)
            written.append(path)
        except FileExistsError:
            kept.append(path)
    session.talk.give("init", {"folder": str(folder.resolve()), "service": name, "written": written, "kept": kept})
    for path in written:
        session.talk.write(f"wrote {folder / path}")
    for path in kept:
        session.talk.write(f"kept  {folder / path}, which was there")
    for line in _next(folder):
        session.talk.say(line)


def _name_of(folder: str) -> str:
    """The nearest valid service name.

    >>> _name_of("My Repo_2"), _name_of("2024")
    ('my-repo-2', 'service')
    """
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).lstrip("-0123456789")[:40].strip("-") or "service"


def _next(folder: Path) -> list[str]:
    enter = [] if folder == Path() else [f"  cd {folder}"]
    root = repository_root(folder.resolve())
    below = folder.resolve().relative_to(root).as_posix() if root is not None else "."
    if root is None or below == ".":
        begin = ["  git init"] if root is None else []
        return ["next:", *enter, *begin, *_COMMIT]
    listed = f"services: [{below}]"
    if (root / SPEC_NAME).exists():
        return ["next:", f"  list this folder in {root / SPEC_NAME}: {listed}", *_COMMIT]
    return ["next:", f"  cd {root}", f"  echo '{listed}' > {SPEC_NAME}", *_COMMIT]
