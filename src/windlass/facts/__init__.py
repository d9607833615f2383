"""What happened, append-only: every fact type, the state that follows from them, and what sites count.

A stage reads here what a later stage found; nothing here decides anything.
"""
