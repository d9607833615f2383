"""Model servers as processes of this machine, each behind a listening socket that outlives it."""

from windlass.adapters.replicas.local import LocalReplicas, ReplicaSettings

__all__ = ["LocalReplicas", "ReplicaSettings"]
