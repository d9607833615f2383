"""Frames as the data frames that models were trained on."""

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from windlass.kernel.errors import UserMistake
from windlass.serving.signature import Frame, Signature


def data_frame(frame: Frame, signature: Signature) -> Any:
    """The frame as a pandas data frame; a column with categories is categorical, and an unseen value is missing there.

    Raises:
        UserMistake: pandas is not in this environment.
    """
    try:
        import pandas as pd
    except ImportError as error:
        remedy = "add pandas to the service's requirements"
        raise UserMistake("the model takes data frames, which need pandas", code="no-pandas", remedy=remedy) from error
    categories = {column.name: list(column.categories) for column in signature.columns if column.categories}
    return pd.DataFrame(
        {
            name: pd.Categorical(array, categories=categories[name]) if name in categories else array
            for name, array in frame.items()
        }
    )


@cache
def has_pandas() -> bool:
    """Whether this environment holds pandas."""
    return find_spec("pandas") is not None


def matrix(frame: Frame, dtype: Any = None) -> np.ndarray:
    """The columns side by side, shape (rows, columns); objects where text is among them."""
    arrays = list(frame.values())
    mixed = any(array.dtype == object for array in arrays)
    return np.column_stack([array.astype(object) for array in arrays] if mixed else arrays).astype(
        dtype or (object if mixed else np.result_type(*arrays)), copy=False
    )
