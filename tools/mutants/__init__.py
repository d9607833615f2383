"""Who judges the judge? Wrong changes of the code, each of which the simulator or a test must notice.

`python -m tools.mutants` applies the permanent mutants of the catalogue, one at a time, to a copy of `src`, and lets
the simulator find each. `python -m tools.mutants.deletions` deletes statements that nobody chose.
"""
