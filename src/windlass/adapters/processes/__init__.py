"""Commands of the user as real processes, each under a guard of its own that leaves no orphan."""

from windlass.adapters.processes.local import LocalProcesses

__all__ = ["LocalProcesses"]
