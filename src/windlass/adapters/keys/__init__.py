"""Ed25519 keys in files: the control plane signs plans, sites verify them."""

from windlass.adapters.keys.ed25519 import Ed25519Verifier, load_signer, make_key

__all__ = ["Ed25519Verifier", "load_signer", "make_key"]
