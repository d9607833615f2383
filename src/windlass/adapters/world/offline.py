"""Whether Windlass may fetch anything."""

import os


def is_offline() -> bool:
    """Whether `WINDLASS_OFFLINE` says that nothing is fetched: no packages, and no commits of remotes."""
    return os.environ.get("WINDLASS_OFFLINE", "") not in ("", "0")
