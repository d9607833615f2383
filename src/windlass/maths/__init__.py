"""Statistics as functions of numbers: what the counts say, and how sure that is.

Everything here is pure. Counts, scores and settings go in, numbers come out; chance goes in as a seed. Evidence is the
natural logarithm of an e-value: 0 before any data, and an equal pair of releases reaches `log(1 / alpha)` at most once
in `1 / alpha`, at any moment of looking. Bounds are one-sided, each at its own `alpha`. Opinions (pass, fail, unsure,
back, advance) are not formed here: gates, rollouts and monitors compare these numbers with their limits.

`docs/explanation/evidence.md` tells the methods in plain words and says what is exact and what is asymptotic. Numpy
is loaded at import; scipy only inside the functions that need it, so that a door may import these modules.
"""
