"""What the formats over table rows share: columns of a sample as columns of a signature."""

from collections.abc import Sequence

from windlass.kernel.errors import UserMistake, WindlassError
from windlass.serving.frames import quoted
from windlass.serving.signature import ColumnSpec, Signature, column_input
from windlass.serving.tables import TableColumns

WIDTH = "sample-width"
_SHOWN, _CHARACTERS = 2, 24  # two lists of such names and the words around them stay below 200 characters


def tabular_signature(names: Sequence[str], sample: TableColumns) -> Signature:
    """A signature over these columns of the sample, in this order.

    Raises:
        UserMistake: a column is not in the sample, or has a type that a request cannot carry.
    """
    absent = [name for name in names if name not in sample]
    if absent:
        extra = [name for name in sample if name not in names]
        what = f"the model takes {_few(absent)}, which the sample does not have"
        remedy = "train on columns of the sample" + (f"; it alone has {_few(extra)}" if extra else "")
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
    """The complaint that model and sample have different numbers of columns: such a model does not name its own."""
    what = f"the model takes {wanted} columns, the sample has {len(sample)}"
    remedy = "name what is no feature under `data:` (label, id, unit, time), or train on a data frame"
    return UserMistake(what, code=WIDTH, remedy=remedy)


def with_absent(error: WindlassError, absent: Sequence[str]) -> WindlassError:
    """The complaint about numbers of columns with its likely cause: what shall be left out is not in the sample."""
    if error.code != WIDTH or not absent:
        return error
    what = f"{error.what}, and no {_few(absent)}, which `data:` names"
    return UserMistake(what, code=error.code, remedy="correct `data:` (label, id, unit, time)")


def _few(names: Sequence[str]) -> str:
    """Some names in a sentence, so short that what follows them is never cut off where the sentence is."""
    shown = ", ".join(quoted(name if len(name) <= _CHARACTERS else f"{name[:_CHARACTERS]}…") for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
