"""A collection that is killed before its n-th change to the disk; run as a script with the shop's folder and n."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engine.shop import Shop

CHANGES = ("rename", "unlink", "rmdir")


def counted(change: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """The same change of the disk, which comes too late the n-th time."""

    def call(*arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*arguments, **more)

    return call


def main(folder: str, call: str) -> None:
    """Collect until killed."""
    left = [int(call)]
    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name), left))
    Shop(Path(folder)).collect()


if __name__ == "__main__":
    main(*sys.argv[1:])
