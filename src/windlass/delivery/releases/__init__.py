"""The immutable bundle, known by one digest, and which of the releases is the next candidate for traffic."""
