"""Artifacts by digest in one folder of this machine."""

from windlass.adapters.artifacts.artifacts import FileArtifacts

__all__ = ["FileArtifacts"]
