"""Jobs: builds and gates, each run to its end in a process of its own.

A job reads and writes files of its own directly: it never runs in the simulator, which has jobs of its own.
"""
