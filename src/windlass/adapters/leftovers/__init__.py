"""What builds, gates and polls leave on this machine's disk."""

from windlass.adapters.leftovers.local import LocalLeftovers

__all__ = ["LocalLeftovers"]
