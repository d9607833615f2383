"""Exit codes. A verdict and its code come from one value, so that they cannot contradict each other."""

from collections.abc import Iterable
from enum import IntEnum

from windlass.kernel.errors import Refused, UserMistake, WindlassError


class Exit(IntEnum):
    DONE = 0  # done, passed, or nothing to do
    TOOL = 1  # no connection, a full disk, a crashed build, a bug: no verdict exists
    USAGE = 2  # an unknown flag, a bad argument, a file that does not validate
    GATE_FAILED = 10
    INCONCLUSIVE = 11
    ROLLED_BACK = 12
    REFUSED = 13  # by policy, quarantine or freeze, or awaiting a person
    TIMEOUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


_ORDER = (Exit.TOOL, Exit.ROLLED_BACK, Exit.GATE_FAILED, Exit.REFUSED, Exit.INCONCLUSIVE, Exit.USAGE)


def worst(codes: Iterable[Exit]) -> Exit:
    """One code for several services: the first of tool error, rolled back, failed, refused, inconclusive that occurred.

    >>> worst([Exit.DONE, Exit.INCONCLUSIVE, Exit.GATE_FAILED])
    <Exit.GATE_FAILED: 10>
    """
    found = set(codes)
    return next((code for code in _ORDER if code in found), Exit.DONE)


def exit_of(error: WindlassError) -> Exit:
    """The code of an error: its branch says whose move it is."""
    if isinstance(error, UserMistake):
        return Exit.USAGE
    return Exit.REFUSED if isinstance(error, Refused) else Exit.TOOL
