"""Work that can wait stands back behind work that callers wait for."""

import contextlib
import os

NICE = 10  # a build gets about a tenth of a core that a replica wants, and all of one that nobody wants


def step_aside(pid: int = 0) -> None:
    """Give a process (0: this one), and all that it will start, the lower priority of a build or a gate.

    Linux shares the processor between sessions first and between processes second, so the session steps aside too.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(NICE, os.getpriority(os.PRIO_PROCESS, pid)))
    session_aside(pid)


def session_aside(pid: int = 0) -> None:
    """Give the session of a process (0: this one) that priority, and leave new sessions alone.

    A process can never raise its own again, so one that may start what serves must not lower it.
    """
    with contextlib.suppress(OSError), open(f"/proc/{pid or 'self'}/autogroup", "w", encoding="ascii") as group:
        group.write(str(NICE))
