"""The site agent: holds the last good signed plan, drives gateway and replicas by it, counts, and reports.

It works alone: with the control plane, Git, the database and the network gone it keeps answering, restarts what crashes
and starts again cold from its own disk. A candidate in flight then freezes or goes back; it never advances.
"""
