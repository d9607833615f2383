"""The few words all parts share: ids, digests, instants, decisions, outcomes, errors, quantities and limits.

Everything here is a value or a function of values. Nothing here knows a file, a clock or a process.
"""
