"""From evidence on held-out rows to a verdict: pass, fail or unsure, and what is still missing.

`lines.py` reads the gate's lines, `metrics.py` names what can be measured, `judge.py` compares the candidate with the
thresholds, the champion and the best release ever. `zero.py` asks first whether the release still answers as it did
when it was built. `ledger.py` counts how often the same rows were asked, because a holdout that is asked often enough
passes anything. `decide.py` says when to judge, `report.py` puts an outcome into words, JSON, Markdown and JUnit.
"""
