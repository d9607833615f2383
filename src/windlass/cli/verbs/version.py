"""`windlass version`."""

import platform

from windlass import __version__
from windlass.cli.session import Session
from windlass.cli.shared import verb


@verb("version")
def command(session: Session) -> None:
    """Which Windlass this is, and on which Python it runs."""
    session.talk.give("version", {"windlass": __version__, "python": platform.python_version()})
    session.talk.write(f"windlass {__version__} (Python {platform.python_version()})")
