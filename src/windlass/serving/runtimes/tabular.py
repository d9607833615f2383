"""What the formats over table rows share: columns of a sample as columns of a signature."""

from collections.abc import Sequence

from windlass.kernel.errors import UserMistake
from windlass.serving.frames import named
from windlass.serving.signature import ColumnSpec, Signature, column_input
from windlass.serving.tables import TableColumns


def tabular_signature(names: Sequence[str], sample: TableColumns) -> Signature:
    """A signature over these columns of the sample, in this order.

    Raises:
        UserMistake: a column is not in the sample, or has a type that a request cannot carry.
    """
    absent = [name for name in names if name not in sample]
    if absent:
        what = f"the model takes {named(absent)}, which the sample does not have"
        remedy = f"the sample has {named(list(sample))}"
        raise UserMistake(what, code="sample-unfit", remedy=remedy)
    columns = []
    for name in names:
        column = sample[name]
        if not column.datatype:
            what = f"column has the type {column.kind}, which a request cannot carry"
            remedy = "turn it into numbers or text before training"
            raise UserMistake(what, code="sample-unfit", where=f'column "{name}"', remedy=remedy)
        columns.append(ColumnSpec(name, column.datatype, nullable=column.nullable, categories=tuple(column.categories)))
    return Signature(inputs=tuple(map(column_input, columns)), columns=tuple(columns))


def no_sample(why: str) -> UserMistake:
    """The complaint that a sample is needed."""
    remedy = "name the training rows (or the holdout) under `data:` in windlass.yaml"
    return UserMistake(f"the signature cannot be inferred: {why}", code="no-sample", remedy=remedy)


def wrong_width(wanted: int, sample: TableColumns) -> UserMistake:
    """The complaint that model and sample have different numbers of columns."""
    what = f"the model takes {wanted} columns, the sample has {len(sample)}: {named(list(sample))}"
    remedy = "name what is no feature under `data:` (label, id, unit, time), or train on a data frame with names"
    return UserMistake(what, code="sample-unfit", remedy=remedy)
