"""Arrow streams in and out, for callers with tables. Only where the service's environment holds pyarrow."""

import io
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

from windlass.kernel.errors import clip
from windlass.kernel.limits import REQUEST_ROWS_MAX
from windlass.serving import answers
from windlass.serving.frames import count_rows, frame_of_columns
from windlass.serving.problems import Rejected
from windlass.serving.signature import Frame, Signature
from windlass.serving.tables import arrow_values

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


@cache
def is_present() -> bool:
    """Whether this environment can read Arrow; looked up, not imported, because few callers send it."""
    return find_spec("pyarrow") is not None


def read(body: bytes, signature: Signature) -> Frame:
    """The frame of an Arrow stream.

    Raises:
        Rejected: it is not a whole Arrow stream, or does not fit the signature.
    """
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            batches, count = [], 0
            for batch in reader:
                batch.validate(full=True)
                batches.append(batch)
                count += batch.num_rows
                if count > REQUEST_ROWS_MAX:
                    count_rows(count)
            table = pa.Table.from_batches(batches, reader.schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Rejected(400, "not-arrow", f"the body is not an Arrow stream: {clip(str(error))}") from None
    if len(set(table.column_names)) < table.num_columns:
        raise Rejected(400, "repeated-key", "a column name stands twice in the Arrow schema")
    if not signature.is_tabular:
        what = "this model takes tensors, which an Arrow stream cannot carry"
        raise Rejected(415, "bad-media-type", what, remedy="send application/json")
    return frame_of_columns({name: arrow_values(table.column(name)) for name in table.column_names}, signature)


def answer(outputs: Frame, signature: Signature, about: Mapping[str, str]) -> bytes:
    """A column `prediction`, and `probability` (a list per row) where the model has it; `about` is schema metadata."""
    import pyarrow as pa

    columns: dict[str, Any] = {"prediction": answers.predictions(outputs, signature)}
    if signature.probability:
        columns["probability"] = answers.probabilities(outputs, signature)
    table = pa.table(columns).replace_schema_metadata(dict(about))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
