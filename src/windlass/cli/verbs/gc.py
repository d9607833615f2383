"""`windlass gc`: remove what nothing can reach any more."""

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.text.layout import size


@verb("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(session: Session, dry_run: bool) -> None:
    """Remove stored files that no release, rollback or verdict can reach.

    Kept are live, previous, best, quarantined and waiting releases, and the last ten of each service.
    """
    answer = session.api.post("v1", "gc", body={"dry_run": dry_run})
    session.talk.give("gc", answer)
    forgot, removed = ("would forget", "remove") if dry_run else ("forgot", "removed")
    releases = "1 release" if answer["releases"] == 1 else f"{answer['releases']:,} releases"
    files = f"{answer['blobs']:,} files of {size(answer['size_bytes'])}"
    session.talk.write(f"{forgot} {releases} and {removed} {files}; {answer['kept']:,} files are kept")
