"""From a snapshot to a plan and its report. `plan.py` is readable aloud: one line for each stage, in loop order."""
