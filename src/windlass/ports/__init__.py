"""The seam: what the thinking and the loop ask of the world, as protocols of two to six verbs.

Every port has a real adapter, and a simulated one that passes the same conformance kit (`windlass.testing`).
"""
