"""`windlass gc`: remove what nothing can reach any more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import harmless
from windlass.cli.text.layout import size

KINDS = {
    "environment": ("environment", "environments"),
    "overlay": ("copy of the model server", "copies of the model server"),
    "job": ("folder of a job", "folders of jobs"),
    "log": ("log", "logs"),
    "replica-log": ("log of a replica", "logs of replicas"),
    "mirror": ("mirror of a repository", "mirrors of repositories"),
    "remains": ("half-removed folder", "half-removed folders"),
    "unfinished": ("half-made folder", "half-made folders"),
}
Left = Sequence[Mapping[str, Any]]


@verb("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go, each with its size.")
def command(session: Session, dry_run: bool) -> None:
    """Remove what no release, rollback or verdict can reach: stored files, environments, logs, job folders, mirrors.

    Kept are live, previous, best, quarantined and waiting releases, the last ten of each service, and what they need;
    the last twenty logs of builds and of gates of each service; and whatever a process uses or is younger than a day.
    """
    answer = session.api.post("v1", "gc", body={"dry_run": dry_run})
    session.talk.give("gc", answer)
    forgot, removed = ("would forget", "remove") if dry_run else ("forgot", "removed")
    releases = "1 release" if answer["releases"] == 1 else f"{answer['releases']:,} releases"
    files = f"{answer['blobs']:,} files of {size(answer['size_bytes'])}"
    session.talk.write(f"{forgot} {releases} and {removed} {files}; {answer['kept']:,} files are kept")
    for line in _each(answer["items"]) if dry_run else _counted(answer["items"]):
        session.talk.write(harmless(line))


def _each(items: Left) -> Iterator[str]:
    for one in items:
        yield f"would remove {KINDS[one['kind']][0]} {one['name']} ({size(one['size_bytes'])})"


def _counted(items: Left) -> Iterator[str]:
    for kind, (single, several) in KINDS.items():
        sizes = [one["size_bytes"] for one in items if one["kind"] == kind]
        if sizes:
            yield f"removed {len(sizes):,} {single if len(sizes) == 1 else several} ({size(sum(sizes))})"
