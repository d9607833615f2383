"""Python environments of services: found, made, kept by the digest of what is in them."""

from windlass.adapters.environments.local import LocalEnvironments

__all__ = ["LocalEnvironments"]
