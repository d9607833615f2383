"""Digests: `blake3:` and 64 lower-case hex. People see the first twelve."""

import re
from typing import NewType

from windlass.kernel.canonical import canonical_bytes

Digest = NewType("Digest", str)

SHORT_HEX = 12
_SHAPE = re.compile(r"blake3:[0-9a-f]{64}")


def digest_of(data: bytes) -> Digest:
    """The digest of some bytes."""
    from blake3 import blake3  # a compiled library: loaded when it is needed

    return Digest("blake3:" + blake3(data).hexdigest())


def digest_of_value(value: object) -> Digest:
    """The digest of a JSON value's canonical bytes (RFC 8785)."""
    return digest_of(canonical_bytes(value))


def parse_digest(text: str) -> Digest:
    """The text as a digest.

    Raises:
        ValueError: the text is not `blake3:` and 64 lower-case hex.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError("a digest is blake3: and 64 lower-case hex digits")
    return Digest(text)


def hex_of(digest: Digest) -> str:
    """The 64 hex digits without the name of the hash: file and folder names use it."""
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """The twelve hex digits that people see."""
    return digest.partition(":")[2][:SHORT_HEX] if ":" in digest else digest[:SHORT_HEX]
