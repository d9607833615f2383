"""Signatures of plans."""

from typing import Protocol


class Signer(Protocol):
    """Held by the control plane alone."""

    def sign(self, payload: bytes) -> str:
        """The Ed25519 signature (RFC 8032) in hex."""
        ...

    def public(self) -> str:
        """The public key in hex."""
        ...


class Verifier(Protocol):
    """Held by a site."""

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether the signature is the control plane's over exactly these bytes."""
        ...
