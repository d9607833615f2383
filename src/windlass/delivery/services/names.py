"""What a replica is called: its socket, its log and its process are found by this name."""

from functools import lru_cache

from windlass.kernel.digests import digest_of_value, hex_of

NAME_CHARACTERS = 14
TERMS_HEX = 4


@lru_cache(maxsize=8192)
def replica_name(service: str, release: str, number: int, memory_bytes: int, timeout_seconds: float) -> str:
    """Short enough for a socket's path, and unlike any other replica's of the site: one with another limit on its
    memory, or another time-out, is another replica."""
    terms = hex_of(digest_of_value([memory_bytes, timeout_seconds]))[:TERMS_HEX]
    return f"{replica_prefix(service, release)}{terms}-{number}"


def replica_prefix(service: str, release: str) -> str:
    """What the names of all replicas of one release begin with."""
    return f"{service[:NAME_CHARACTERS].rstrip('-')}-{hex_of(digest_of_value([service, release]))[:8]}-"
