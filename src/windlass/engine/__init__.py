"""The loop: observe, plan, commit, apply. It is level-triggered: events only wake it early.

Everything that it does to the world was a fact before, so it can be killed at any moment and continues where it was.
"""
