"""`windlass apply`: a habit from elsewhere, answered."""

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.kernel.errors import UserMistake


@verb("apply", context_settings={"ignore_unknown_options": True})
@click.argument("anything", nargs=-1, type=click.UNPROCESSED)
def command(session: Session, anything: tuple[str, ...]) -> None:
    """There is no apply: what the watched branch says is what runs."""
    raise UserMistake(
        "there is no apply: the watched branch says what runs",
        code="no-apply",
        remedy="commit to it, and `windlass plan` shows before what would happen",
    )
