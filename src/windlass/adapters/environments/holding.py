"""Who works with environments. A job holds all of them from its first step to its last, since it finds out late which
one it needs; the kernel lets go when its process is gone. Only who is alone may remove one.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from windlass.adapters.world.files import make_folder


@contextlib.contextmanager
def held(store: str) -> Iterator[None]:
    """Let no environment of a store be removed meanwhile. Waits while one is being taken away, which takes a moment."""
    with _opened(store) as folder:
        fcntl.flock(folder, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def alone(store: str) -> Iterator[bool]:
    """Whether nobody holds the environments of a store; jobs that begin wait until this ends."""
    with _opened(store) as folder:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextlib.contextmanager
def _opened(store: str) -> Iterator[int]:
    """The lock is on the folder itself: it needs no room on a full disk."""
    make_folder(store)
    folder = os.open(store, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)
