"""How much error each query of one holdout may spend.

A holdout that is asked again and again will pass something by luck. The k-th query gets alpha 6 / (pi^2 k^2); over all
k that sums to alpha, and the number of queries need not be known beforehand. It covers multiplicity only: that later
candidates were chosen by earlier answers is met by disclosing little, renewing rows, and stopping at twenty queries.
"""

import math

from windlass.maths.counts import inside

QUERIES_MAX = 20  # the last query is judged at 0.0076 %; from there on only fresh labelled rows help


def alpha_of_query(query: int, alpha: float = 0.05) -> float:
    """The error rate of the k-th query of a holdout, counted from 1.

    Raises:
        ValueError: `query` is below 1 or above `QUERIES_MAX`, or `alpha` is outside (0, 1).

    >>> [round(alpha_of_query(k), 5) for k in (1, 2, 20)]
    [0.0304, 0.0076, 8e-05]
    """
    inside("alpha", alpha, 0.0, 1.0)
    if not 1 <= query <= QUERIES_MAX:
        raise ValueError(
            f"query {query}: a holdout answers 1 to {QUERIES_MAX} queries, then it needs fresh labelled rows"
        )
    return alpha * 6.0 / (math.pi**2 * query**2)
