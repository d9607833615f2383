"""What this machine tells about itself."""

from windlass.adapters.machine.local import LocalMachine

__all__ = ["LocalMachine"]
