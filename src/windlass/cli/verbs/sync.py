"""`windlass sync`: look at Git now."""

from windlass.cli.session import Session
from windlass.cli.shared import verb


@verb("sync")
def command(session: Session) -> None:
    """Look at all watched repositories now, instead of at the next poll some seconds later."""
    session.talk.give("sync", session.api.post("v1", "sync", body={}))
    session.talk.say("looked at Git; `windlass status -w` shows what follows")
