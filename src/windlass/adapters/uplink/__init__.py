"""The site's line to the control plane."""

from windlass.adapters.uplink.http import HttpUplink

__all__ = ["HttpUplink"]
