"""What every pair of signer and verifier keeps."""

from windlass.ports.keys import Signer, Verifier


class KeysConformance:
    """Give fixtures `signer` and `verifier` of one key pair, and `stranger`: a signer with another key."""

    def test_a_signature_is_accepted(self, signer: Signer, verifier: Verifier) -> None:
        """What was signed is verified, with nothing in it as well."""
        for payload in (b"", b"plan", bytes(range(256)) * 100):
            assert verifier.verify(payload, signer.sign(payload))

    def test_any_changed_bit_is_found(self, signer: Signer, verifier: Verifier) -> None:
        """One flipped bit in the payload or the signature is enough to refuse it."""
        payload, signature = b"generation 7", signer.sign(b"generation 7")
        for bit in range(len(payload) * 8):
            changed = bytearray(payload)
            changed[bit // 8] ^= 1 << bit % 8
            assert not verifier.verify(bytes(changed), signature)
        for bit in range(64 * 8):
            other = bytearray.fromhex(signature)
            other[bit // 8] ^= 1 << bit % 8
            assert not verifier.verify(payload, other.hex())

    def test_what_is_no_signature_is_refused(self, signer: Signer, verifier: Verifier) -> None:
        """Nonsense, a cut signature and a longer one verify nothing, and raise nothing."""
        signature = signer.sign(b"x")
        for wrong in ("", "zz", signature[:-2], signature + "00", "é" * 128):
            assert not verifier.verify(b"x", wrong)

    def test_another_key_signs_nothing_here(self, verifier: Verifier, signer: Signer, stranger: Signer) -> None:
        """A stranger's signature is refused, and its public key is another."""
        assert not verifier.verify(b"plan", stranger.sign(b"plan"))
        assert stranger.public() != signer.public()

    def test_the_public_key_is_hex(self, signer: Signer) -> None:
        """The public key is 64 hex digits and always the same."""
        assert len(bytes.fromhex(signer.public())) == 32
        assert signer.public() == signer.public()
