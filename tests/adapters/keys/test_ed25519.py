"""A signing key is made once, kept from others, and nothing else is taken for one."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from windlass.adapters.keys import Ed25519Verifier, load_signer, make_key
from windlass.kernel.errors import Unavailable, UserMistake


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """The file has mode 600, and making it again changes nothing."""
    path = tmp_path / "control" / "signing.key"
    make_key(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    public = load_signer(str(path)).public()
    make_key(str(path))
    assert load_signer(str(path)).public() == public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o777])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The message says the mode and the command that mends it."""
    path = tmp_path / "signing.key"
    make_key(str(path))
    path.chmod(mode)
    with pytest.raises(UserMistake, match=f"{mode:o}.*chmod 600 {path}"):
        load_signer(str(path))
    path.chmod(0o400)
    load_signer(str(path))


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    """A missing file, nonsense, a cut key, a locked one and a key of another kind."""
    path = tmp_path / "signing.key"
    with pytest.raises(Unavailable, match="missing"):
        load_signer(str(path))
    make_key(str(path))
    whole = path.read_bytes()
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    other = ec.generate_private_key(ec.SECP256R1())
    locked = other.private_bytes(pem, kind, serialization.BestAvailableEncryption(b"secret"))
    for data in (b"", b"nonsense", whole[:60], locked, other.private_bytes(pem, kind, serialization.NoEncryption())):
        path.write_bytes(data)
        with pytest.raises(UserMistake, match="no Ed25519 private key"):
            load_signer(str(path))


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 33, "é" * 64])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    """A site never starts with a key that verifies nothing."""
    with pytest.raises(UserMistake, match="no Ed25519 public key"):
        Ed25519Verifier(text)


def test_the_signature_is_that_of_the_standard() -> None:
    """The third example of RFC 8032, section 7.1, is verified, and with another byte it is not."""
    public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    verifier = Ed25519Verifier(f" {public}\n")
    assert verifier.verify(b"\xaf\x82", signature)
    assert not verifier.verify(b"\xaf\x83", signature)
