"""Where one Windlass keeps its state and its sockets.

A home is a folder below the user's state folder, so that cleaning a working copy deletes nothing that serves. Sockets
lie in a short folder of mode 700, because a socket's path holds 107 bytes and the gateway adds to it.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from windlass.kernel.errors import Unavailable, UserMistake
from windlass.kernel.limits import SOCKET_PATH_BYTES_MAX

SETTINGS = "settings.json"
LONGEST_SOCKET = "/r/xxxxxxxxxxxxxxxxxxxxxxxx.sock"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and sockets of one Windlass."""

    name: str
    folder: Path
    sockets: Path

    @property
    def control(self) -> Path:
        """What the control plane alone writes."""
        return self.folder / "control"

    @property
    def store(self) -> Path:
        """Blobs, releases and environments: builds write, sites read."""
        return self.folder / "store"

    @property
    def site(self) -> Path:
        """What the site agent of this machine alone writes."""
        return self.folder / "sites" / "local"

    @property
    def api_socket(self) -> Path:
        return self.sockets / "api.sock"

    @property
    def site_socket(self) -> Path:
        return self.sockets / "site.sock"

    @property
    def zygote_sockets(self) -> Path:
        """Where the processes listen from which replicas and jobs are forked."""
        return self.sockets / "z"

    @property
    def settings(self) -> Path:
        """Ports and choices of `up`, as JSON, written by `up` and read by the processes."""
        return self.folder / SETTINGS


def home_named(name: str) -> Home:
    """The home of this name.

    Raises:
        UserMistake: the name could leave the state folder.
    """
    if not name or name in (".", "..") or "/" in name or not name.isprintable():
        raise UserMistake(f"{name!r} cannot name a home", code="bad-name", remedy="use letters, digits and -")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return home_at(Path(state) / "windlass" / name)


def home_at(folder: Path) -> Home:
    """The home whose folder this is. Its sockets lie where `up` wrote down that they lie, so that a shell with other
    variables, or cron, finds them too."""
    folder = folder.absolute()
    recorded = settings_of(folder / SETTINGS).get("sockets")
    return Home(folder.name, folder, Path(recorded) if isinstance(recorded, str) else sockets_for(folder))


def settings_of(path: Path) -> dict[str, Any]:
    """What `up` wrote down; empty before the first time, or where it cannot be read."""
    import json

    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def sockets_for(folder: Path) -> Path:
    """Where the sockets of a home should lie, by the variables of now."""
    folder = folder.absolute()
    mark = sha256(str(folder).encode()).hexdigest()[:8]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    sockets = Path(runtime) / "windlass" / mark if runtime else Path("/tmp") / f"windlass-{os.getuid()}-{mark}"
    if len(os.fsencode(sockets)) + len(LONGEST_SOCKET) > SOCKET_PATH_BYTES_MAX:
        sockets = Path("/tmp") / f"windlass-{os.getuid()}-{mark}"
    return sockets


def make_folders(home: Home) -> None:
    """Make the home's folders, private to the account.

    Raises:
        UserMistake: the sockets' folder belongs to somebody else.
        Unavailable: the disk is full or fails, or forbids it.
    """
    above = (home.folder, home.control, home.store, home.site, home.sockets.parent, home.sockets)
    for folder in (*above, home.sockets / "r", home.sockets / "e"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            words = f"the folder cannot be made: {error.strerror or error}"
            remedy = "free some space, or give the account that runs Windlass the right to make it"
            raise Unavailable(words, code="no-folder", where=str(folder), remedy=remedy) from error
    if home.sockets.stat().st_uid != os.getuid():
        raise UserMistake(f"{home.sockets} belongs to another account", code="foreign-folder", remedy="remove it")
    home.sockets.chmod(0o700)
