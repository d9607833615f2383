"""Jobs as processes of this machine that outlive the control plane."""

from windlass.adapters.compute.local.jobs import LocalCompute

__all__ = ["LocalCompute"]
