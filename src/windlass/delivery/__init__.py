"""The loop's stages, in their order: sources, builds, releases, gates, rollouts, placements, services.

A stage sees only the types of earlier stages; what a later one found it reads as a fact.
"""
