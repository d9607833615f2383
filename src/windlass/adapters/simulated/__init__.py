"""Simulated adapters: the world in memory, on a virtual clock. They pass the same kits as the real ones."""
