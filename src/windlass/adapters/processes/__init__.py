"""Commands of the user as real processes, each under a guard of its own that leaves no orphan.

Nothing is imported here: every command waits for its guard to start.
"""
