"""From verdicts, live counts and time to the next share of traffic: advance, hold or back.

A rollout moves one release of one service through growing shares. `evidence.py` turns counts into wagers, `decide.py`
orders the rules, `acts.py` says what a person's act means and when it is refused.
"""
