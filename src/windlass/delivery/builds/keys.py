"""Digests of what a build stands on, beside the build key of the sources."""

from windlass.kernel.digests import Digest, digest_of_value


def environment_digest(python: str, platform: str, lock: str) -> Digest:
    """The digest of an environment: equal where the same versions run on the same Python and platform.

    Args:
        python: the minor version, `3.11`.
        platform: operating system and processor, `linux-x86_64`.
        lock: `name==version` lines; their order and blank lines do not matter.
    """
    lines = sorted(line for line in lock.splitlines() if line)
    return digest_of_value({"python": python, "platform": platform, "lock": lines})
