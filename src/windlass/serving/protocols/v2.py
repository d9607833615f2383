"""The Open Inference Protocol, version 2, as JSON.

A model over table rows takes one tensor per column, shape [n] or [n, 1], or all columns as one [n, columns] tensor
where they are numbers. Names of fields are strict: what is not understood is refused, because an ignored field is a
wrong answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windlass.serving.frames import count_rows, frame_of_columns, named, quoted, tensor_array
from windlass.serving.problems import Rejected
from windlass.serving.protocols.strict_json import decode
from windlass.serving.signature import BINARY_ONLY, DTYPES, Frame, Signature, TensorSpec, column_input, datatype_of
from windlass.serving.values import Misshapen, flatten, json_words

_REQUEST_KEYS = {"id", "parameters", "inputs", "outputs"}
_INPUT_KEYS = {"name", "shape", "datatype", "parameters", "data"}
_OUTPUT_KEYS = {"name", "parameters"}
_DIMENSIONS_MAX = 16  # more than any model's, few enough to read
_BINARY = ("binary_data", "binary_data_output", "binary_data_size")


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request that fits. `wanted` names the outputs to return, none for all; `timeout_seconds` is 0 for none."""

    frame: Frame
    wanted: tuple[str, ...]
    id: str = ""
    timeout_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any]


def read(body: bytes, signature: Signature) -> InferRequest:
    """The request of an `infer` call.

    Raises:
        Rejected: it does not follow the protocol, or does not fit the signature.
    """
    value = _object(decode(body), _REQUEST_KEYS, "")
    parameters = _parameters(value.get("parameters"), "/parameters", {"timeout"})
    inputs = value.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Rejected(400, "bad-body", "expected a list of tensors", where="/inputs")
    tensors = [_tensor(item, f"/inputs/{index}") for index, item in enumerate(inputs)]
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        raise Rejected(400, "repeated-input", f"an input is given twice: {named(sorted(names))}", where="/inputs")
    identifier = value.get("id", "")
    if not isinstance(identifier, str):
        raise Rejected(400, "bad-body", f"expected a string, given {json_words(identifier)}", where="/id")
    return InferRequest(
        frame=_frame(tensors, signature),
        wanted=_wanted(value.get("outputs"), signature),
        id=identifier,
        timeout_seconds=_timeout(parameters),
    )


def answer(outputs: Frame, request: InferRequest, about: Mapping[str, str]) -> dict[str, Any]:
    """The answer's JSON value; `about` names model and version."""
    tensors = [
        {
            "name": name,
            "datatype": datatype_of(outputs[name]),
            "shape": list(outputs[name].shape),
            "data": outputs[name].ravel().tolist(),
        }
        for name in request.wanted or outputs
    ]
    named_so = {"id": request.id} if request.id else {}
    return {**about, **named_so, "outputs": tensors}


def metadata(signature: Signature, about: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a metadata call; -1 is a variable dimension."""
    return {**about, "inputs": _specs(signature.inputs), "outputs": _specs(signature.outputs)}


def _specs(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    return [{"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)} for spec in specs]


def _object(value: Any, keys: set[str], place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Rejected(400, "bad-body", f"expected an object, given {json_words(value)}", where=place)
    unknown = [key for key in value if key not in keys]
    if unknown:
        remedy = f"known are {named(sorted(keys))}"
        raise Rejected(400, "unknown-field", f"unknown field {quoted(unknown[0])}", where=place, remedy=remedy)
    return value


def _parameters(value: Any, place: str, known: set[str]) -> dict[str, Any]:
    if value is None:
        return {}
    for name in _BINARY:
        if isinstance(value, dict) and value.get(name):
            what = f"binary tensors are not served yet ({quoted(name)})"
            raise Rejected(400, "binary-not-yet", what, where=place, remedy='send "data" as JSON, ask for JSON outputs')
    return _object(value, known | {"content_type", *_BINARY}, place)


def _timeout(parameters: Mapping[str, Any]) -> float:
    given = parameters.get("timeout", 0)
    if type(given) is not int or given < 0:
        raise Rejected(400, "bad-timeout", "expected whole microseconds", where="/parameters/timeout")
    return given / 1e6


def _tensor(value: Any, place: str) -> _Tensor:
    item = _object(value, _INPUT_KEYS, place)
    name, datatype, shape, data = (item.get(key) for key in ("name", "datatype", "shape", "data"))
    _parameters(item.get("parameters"), f"{place}/parameters", set())
    if not isinstance(name, str) or not name:
        raise Rejected(400, "bad-body", "expected a name", where=f"{place}/name")
    if datatype in BINARY_ONLY:
        what = f"input {quoted(name)}: {datatype} travels as binary only, which is not served yet"
        raise Rejected(400, "binary-not-yet", what, where=f"{place}/datatype", remedy="send FP32")
    if not isinstance(datatype, str) or datatype not in DTYPES:
        what = f"input {quoted(name)}: expected one of {', '.join(DTYPES)}, given {quoted(datatype)}"
        raise Rejected(400, "bad-datatype", what, where=f"{place}/datatype")
    if not isinstance(data, list):
        raise Rejected(400, "bad-body", f"input {quoted(name)}: expected a list of values", where=f"{place}/data")
    return _Tensor(name, datatype, _shape(shape, name, place), data)


def _shape(shape: Any, name: str, place: str) -> tuple[int, ...]:
    if not isinstance(shape, list) or not 1 <= len(shape) <= _DIMENSIONS_MAX:
        what = f"input {quoted(name)}: expected a list of 1 to {_DIMENSIONS_MAX} dimensions"
        raise Rejected(400, "bad-shape", what, where=f"{place}/shape")
    for length in shape:
        if type(length) is not int or length < 0:
            what = f"input {quoted(name)}: expected whole numbers from 0 on, given {json_words(length)}"
            raise Rejected(400, "bad-shape", what, where=f"{place}/shape")
    return tuple(shape)


def _wanted(value: Any, signature: Signature) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Rejected(400, "bad-body", f"expected a list, given {json_words(value)}", where="/outputs")
    known = [spec.name for spec in signature.outputs]
    names = []
    for index, item in enumerate(value):
        place = f"/outputs/{index}"
        name = _object(item, _OUTPUT_KEYS, place).get("name")
        _parameters(item.get("parameters"), f"{place}/parameters", set())
        if name not in known:
            remedy = f"the model answers {named(known)}"
            raise Rejected(400, "unknown-output", f"no output {quoted(name)}", where=place, remedy=remedy)
        names.append(name)
    return tuple(dict.fromkeys(names))


def _frame(tensors: Sequence[_Tensor], signature: Signature) -> Frame:
    given = {tensor.name: tensor for tensor in tensors}
    if signature.is_tabular:
        if len(tensors) == 1 and not given.keys() & {column.name for column in signature.columns}:
            return _matrix_frame(tensors[0], signature)
        for column in signature.columns:
            if column.name in given:
                _same_datatype(given[column.name], column_input(column))
        return frame_of_columns({tensor.name: _column_values(tensor) for tensor in tensors}, signature)
    known = {spec.name: spec for spec in signature.inputs}
    if given.keys() != known.keys():
        what = f"expected the inputs {named(list(known))}, given {named(list(given))}"
        raise Rejected(400, "missing-input", what, where="/inputs")
    for tensor in tensors:
        _same_datatype(tensor, known[tensor.name])
        count_rows(tensor.shape[0])
    return {name: tensor_array(given[name].data, spec, given[name].shape) for name, spec in known.items()}


def _column_values(tensor: _Tensor) -> Sequence[Any]:
    """A column's values out of a tensor of shape [n] or [n, 1]."""
    if len(tensor.shape) > 2 or tensor.shape[1:] not in ((), (1,)):
        what = f"expected shape [n] or [n, 1], given {list(tensor.shape)}"
        raise Rejected(400, "bad-shape", what, where=f"input {quoted(tensor.name)}")
    return _flat(tensor)


def _matrix_frame(tensor: _Tensor, signature: Signature) -> Frame:
    """All columns as one [n, columns] tensor."""
    columns = signature.columns
    datatypes = _matrix_datatypes(signature)
    if not datatypes:
        what = f"expected the inputs {named([column.name for column in columns])}, given {quoted(tensor.name)}"
        raise Rejected(400, "missing-input", what, where="/inputs")
    if tensor.datatype not in datatypes:
        what = f"expected datatype {' or '.join(datatypes)}, given {tensor.datatype}"
        raise Rejected(400, "bad-datatype", what, where=f"input {quoted(tensor.name)}")
    if len(tensor.shape) != 2 or tensor.shape[1] != len(columns):
        what = f"expected shape [n, {len(columns)}], given {list(tensor.shape)}"
        remedy = f"the columns are {named([column.name for column in columns])}"
        raise Rejected(400, "bad-shape", what, where=f"input {quoted(tensor.name)}", remedy=remedy)
    values = _flat(tensor)
    return frame_of_columns({spec.name: values[index :: len(columns)] for index, spec in enumerate(columns)}, signature)


def _matrix_datatypes(signature: Signature) -> tuple[str, ...]:
    """Datatypes in which all columns may come as one tensor; none where text and numbers stand side by side."""
    kinds = {column.datatype for column in signature.columns}
    own = [spec.datatype for spec in signature.inputs if len(spec.shape) == 2 and len(signature.inputs) == 1]
    if len(kinds) > 1:
        kinds = set() if kinds & {"BYTES", "BOOL"} else {"FP64"}
    return tuple(dict.fromkeys([*own, *sorted(kinds)]))


def _flat(tensor: _Tensor) -> Sequence[Any]:
    try:
        return flatten(tensor.data, tensor.shape)
    except Misshapen as misshapen:
        raise Rejected(400, "bad-shape", misshapen.what, where=f"input {quoted(tensor.name)}") from None


def _same_datatype(tensor: _Tensor, spec: TensorSpec) -> None:
    if tensor.datatype != spec.datatype:
        what = f"expected datatype {spec.datatype}, given {tensor.datatype}"
        raise Rejected(400, "bad-datatype", what, where=f"input {quoted(tensor.name)}")
