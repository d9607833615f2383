"""The whole system on a virtual clock: the real engine, planner and site agent over simulated ports.

One seed gives the same day byte for byte. `world.py` wires it, `session.py` plays text sessions, `days.py` draws random
days with faults, `promises.py` holds the sentences that must be true after every tick.
"""
