"""The recorded sample rows of a build and the rows of a holdout as one table, and their answers apart again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from windlass.delivery.gates.stored import Scored
from windlass.ports.tables import Table

PLAIN = (bool, int, float, str, type(None))  # what JSON keeps as it was


def joined(
    sample: Sequence[Mapping[str, Any]], holdout: Mapping[str, Sequence[Any]], columns: Sequence[str]
) -> Table | None:
    """The columns of a model with the sample's rows first; None where there is no sample, or the two differ in kind.

    A column may be text in both or numbers in both; what JSON cannot hold, such as a time, was changed by recording it.
    """
    if not sample or any(column not in holdout for column in columns):
        return None
    found: dict[str, list[Any]] = {}
    for column in columns:
        values = [*(row.get(column) for row in sample), *holdout[column]]
        if not _alike(values):
            return None
        found[column] = values
    return Table(found) if found else None


def _alike(values: Sequence[Any]) -> bool:
    kinds = {type(value) for value in values} - {type(None)}
    return kinds <= set(PLAIN) and (kinds <= {int, float} or len(kinds) <= 1)


def parted(scored: Scored, sample_rows: int) -> tuple[Scored, Scored]:
    """The answers to the sample's rows, and those to the holdout's. Both were made by one process."""
    return _cut(scored, slice(None, sample_rows)), _cut(scored, slice(sample_rows, None))


def _cut(scored: Scored, part: slice) -> Scored:
    answers = scored.answers
    cut = replace(
        answers,
        prediction=answers.prediction[part],
        probability=None if answers.probability is None else answers.probability[part],
        score=None if answers.score is None else answers.score[part],
    )
    return replace(scored, answers=cut)
