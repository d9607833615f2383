"""`windlass holdout`: how held-out rows are renewed, until labels can do it."""

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.kernel.errors import UserMistake


@verb("holdout")
@click.argument("act", type=click.Choice(["renew"]))
def command(session: Session, act: str) -> None:
    """Held-out rows are not renewed from labels yet: commit fresh labelled rows.

    Rows are counted one by one, so each fresh row begins anew, and a count ends when every row has been replaced.
    """
    raise UserMistake(
        "holdout renew is not built yet: labels that come later are not collected so far",
        code="not-yet",
        remedy="commit fresh labelled rows in the file that data.holdout names; `windlass plan` shows the queries left",
    )
