"""What a verb works with: the home it is about, the clients to talk to it, and the two streams."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from windlass.cli.doors import Doors
from windlass.cli.talk import Talk
from windlass.kernel.errors import Refused, Unavailable, UserMistake
from windlass.sdk.homes import Home, home_at, home_named

if TYPE_CHECKING:
    from windlass.sdk.client import Client

POINTER = Path(".windlass") / "home"
LIVE_SECONDS = 2.0  # a control plane that does not say within this time that it lives is taken for dead


class Session:
    """One run of one verb.

    Args:
        doors: the ports for offline work.
        talk: the streams.
        name: the home's name as given by flag or variable; empty where it was not.
    """

    def __init__(self, doors: Doors, talk: Talk, name: str = "") -> None:
        self.doors = doors
        self.talk = talk
        self.name = name
        self._home: Home | None = None

    @property
    def home(self) -> Home:
        """The home that this command is about.

        Raises:
            UserMistake: neither a flag, a variable, a pointer nor a repository says which.
        """
        if self._home is None:
            self._home, why = found_home(self.name, Path.cwd())
            self.talk.detail(f"home {self._home.folder}, from {why}; sockets in {self._home.sockets}")
        return self._home

    def use(self, home: Home) -> None:
        """Work on this home from now on."""
        self._home = home

    @property
    def api(self) -> "Client":
        """The control plane."""
        from windlass.sdk.client import Client

        return Client(self.home.api_socket)

    @property
    def site(self) -> "Client":
        """The site agent of this machine, which answers with the control plane dead too."""
        from windlass.sdk.client import Client

        return Client(self.home.site_socket, "the site agent")

    @property
    def account(self) -> str:
        """Who acts, for doors that do not ask the kernel."""
        import getpass

        return getpass.getuser()

    def sure(self, what: str, yes: bool) -> None:
        """Ask before something destructive.

        Raises:
            UserMistake: nobody is there to ask and `--yes` was not given.
            Refused: the person said no.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UserMistake(f"this would {what}, and nobody can be asked", code="usage", remedy="add --yes")
        import click

        if not click.confirm(f"This will {what}. Go on?", err=True):
            raise Refused("nothing was done", code="not-confirmed")

    def control_lives(self) -> bool:
        """Whether the control plane answers at all."""
        from windlass.sdk.client import Request

        try:
            return bool(self.api.ask(Request("/livez", seconds=LIVE_SECONDS)).get("live"))
        except Unavailable:
            return False


def found_home(name: str, folder: Path) -> tuple[Home, str]:
    """The home that a command in this folder is about, and what said so.

    A name wins (`--name`, WINDLASS_NAME), then the pointer that `up` wrote here or above, then the repository's folder.

    Raises:
        UserMistake: nothing says which home.
    """
    if name:
        return home_named(name), "--name or WINDLASS_NAME"
    for place in (folder, *folder.parents):
        pointer = place / POINTER
        if pointer.is_file():
            return home_at(Path(pointer.read_text(encoding="utf-8").strip())), str(pointer)
    root = repository_root(folder)
    if root is None:
        known = ", ".join(known_homes()) or "none yet"
        raise UserMistake(
            f"{folder} is in no Git repository, so it does not say which Windlass is meant",
            code="no-home",
            remedy=f"use --name (known: {known}), -C DIR, or `windlass up` in a repository",
        )
    return home_named(root.name), f"the folder name of the repository {root}"


def repository_root(folder: Path) -> Path | None:
    """The root of the working copy that holds a folder; None outside of any."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def known_homes() -> list[str]:
    """The names of the homes of this account."""
    state = Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "windlass"
    return sorted(path.name for path in state.iterdir() if path.is_dir()) if state.is_dir() else []
