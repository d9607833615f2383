"""The zygotes of a home: its jobs and its replicas are forked from the same ones."""

from windlass.adapters.processes.zygotes import Zygotes
from windlass.sdk.homes import Home


def zygotes_of(home: Home) -> Zygotes:
    """Those of this home, whichever process asks."""
    return Zygotes(str(home.zygote_sockets), str(home.folder / "zygotes.log"))
