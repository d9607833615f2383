"""Signatures after RFC 8032. The private key lies in a file that its owner alone may read, and never leaves it."""

import os
import stat
from typing import TYPE_CHECKING

from windlass.adapters.world.files import read_file, write_file
from windlass.kernel.errors import Unavailable, UserMistake, clip

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_key(path: str) -> None:
    """Make a private key with mode 600; one that is there already stays.

    Raises:
        Unavailable: the disk is full or fails.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if os.path.lexists(path):
        return
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_file(path, text, mode=0o600)


def load_signer(path: str) -> "Ed25519Signer":
    """The signer whose key lies at a path.

    Raises:
        UserMistake: others may read the key, or the file is no Ed25519 key.
        Unavailable: there is no file, or it cannot be read.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = read_file(path)
    if data is None:
        remedy = "start Windlass once more: windlass up makes one, and sites must be told its public half"
        raise Unavailable("the signing key is missing", code="key-missing", where=clip(path), remedy=remedy)
    _check_mode(path)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return Ed25519Signer(key)


class Ed25519Signer:
    """Signs with one private key."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """The signature in hex, 128 digits."""
        return self._key.sign(payload).hex()

    def public(self) -> str:
        """The public key in hex, 64 digits."""
        return self._key.public_key().public_bytes_raw().hex()


class Ed25519Verifier:
    """Verifies with one public key.

    Args:
        public: the key in hex, as `Ed25519Signer.public` gives it.

    Raises:
        UserMistake: it is no public key.
    """

    def __init__(self, public: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public.strip()))
        except ValueError as error:
            remedy = "copy the control plane's public key anew: 64 hex digits"
            raise UserMistake("this is no Ed25519 public key", code="key-unreadable", remedy=remedy) from error

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether the signature is the key's over exactly these bytes; a malformed one is not."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


def _check_mode(path: str) -> None:
    mode = os.stat(path).st_mode
    if mode & _OTHERS:
        what = f"others may use the signing key: its mode is {stat.S_IMODE(mode):o}"
        raise UserMistake(what, code="key-exposed", where=clip(path), remedy=f"chmod 600 {clip(path)}")


def _no_key(path: str) -> UserMistake:
    remedy = "put back a copy of it, or move it away so that windlass up makes a new one"
    return UserMistake("the file is no Ed25519 private key", code="key-unreadable", where=clip(path), remedy=remedy)
