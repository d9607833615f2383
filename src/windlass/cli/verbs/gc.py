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
    would = "would remove" if dry_run else "removed"
    session.talk.write(
        f"{would} {answer['blobs']:,} files of {size(answer['size_bytes'])}; {answer['kept']:,} are kept"
    )
