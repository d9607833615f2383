"""The replica's routes, and what every bad request gets."""

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.kit import DIGEST, NoDeadline, a_door, columns_signature, post
from windlass.kernel.limits import REQUEST_BODY_BYTES_MAX, REQUEST_ROWS_MAX
from windlass.serving.door import Door, seconds_allowed
from windlass.serving.problems import Rejected
from windlass.serving.signature import ColumnSpec, Signature, TensorSpec

SIGNATURE = columns_signature(ColumnSpec("age", "FP64"), ColumnSpec("visits", "INT64"), ColumnSpec("city", "BYTES"))
TENSOR = Signature((TensorSpec("x", "FP32", (-1, 2, -1)),), (TensorSpec("prediction", "FP64", (-1,)),))
ROW = {"age": 1, "visits": 2, "city": "a"}
PREDICT, INFER = "/predict/clinic", "/v2/models/clinic/infer"
ARROW = "application/vnd.apache.arrow.stream"

NAMES = st.sampled_from(
    [
        "age",
        "visits",
        "city",
        "x",
        "inputs",
        "outputs",
        "instances",
        "dataframe_split",
        "dataframe_records",
        "columns",
        "data",
        "name",
        "shape",
        "datatype",
        "parameters",
        "id",
        "index",
        "FP64",
        "FP32",
        "BYTES",
        "INT64",
        "timeout",
    ]
)
NEARLY: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 5)
    | st.integers()
    | st.floats(allow_nan=False)
    | NAMES
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
TENSOR_LIKE = st.fixed_dictionaries(
    {"name": NAMES, "datatype": NAMES, "shape": st.lists(st.integers(-1, 3), max_size=3) | NEARLY},
    optional={"data": st.lists(NEARLY, max_size=6), "parameters": NEARLY},
)
CALLS = st.fixed_dictionaries({"inputs": st.lists(TENSOR_LIKE, max_size=4)}, optional={"outputs": NEARLY, "id": NEARLY})


def check(door: Door, path: str, body: bytes) -> None:
    call = door.route("POST", path, "req-1", {})
    reply = door.predict(call, body, NoDeadline())
    assert reply.status == 200 or 400 <= reply.status < 500, (reply.status, reply.body)
    json.loads(reply.body)


@pytest.mark.parametrize("signature", [SIGNATURE, TENSOR], ids=["columns", "tensor"])
@pytest.mark.parametrize("path", [PREDICT, INFER])
def test_any_bytes_get_an_answer_or_a_refusal(path: str, signature: Signature) -> None:
    """Whatever bytes arrive, the caller is told what is wrong with them; it is never the server's failure."""
    door = a_door(signature)

    @settings(max_examples=60)
    @given(st.binary(max_size=200) | NEARLY.map(as_json) | CALLS.map(as_json))
    def search(body: bytes) -> None:
        check(door, path, body)

    search()


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/healthz", {"status": "ok"}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True, "live": True}),
        ("/v2/models/clinic/ready", {"name": "clinic", "ready": True}),
        ("/v2/models/clinic/versions/abababababab/ready", {"name": "clinic", "ready": True}),
    ],
)
def test_health_is_answered(path: str, expected: Any) -> None:
    """Health and readiness are answered without the model."""
    door = a_door(SIGNATURE)
    reply = door.look(door.route("GET", path, "r", {}))
    assert (200, expected) == (reply.status, json.loads(reply.body))


@pytest.mark.parametrize("version", ["", "/versions/abababababab", f"/versions/{DIGEST}", "/versions/" + "ab" * 32])
def test_metadata_names_the_signature(version: str) -> None:
    """Metadata name the release, the platform, and inputs and outputs with -1 for what varies."""
    door = a_door(SIGNATURE)
    answer = json.loads(door.look(door.route("GET", f"/v2/models/clinic{version}", "r", {})).body)
    assert ("clinic", ["abababababab"], "skops") == (answer["name"], answer["versions"], answer["platform"])
    assert {"name": "visits", "datatype": "INT64", "shape": [-1]} == answer["inputs"][1]
    assert [{"name": "prediction", "datatype": "FP64", "shape": [-1]}] == answer["outputs"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2", 404),
        ("GET", "/predict/", 404),
        ("POST", "/predict/other", 404),
        ("POST", "/predict/clinic/more", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/clinic/versions/cdcdcdcdcdcd/infer", 404),
        ("GET", "/v2/models/clinic/versions/ab", 404),
        ("GET", "/v2/models/clinic/metrics", 404),
        *[(method, "/predict/clinic", 405) for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "")],
        *[(method, "/v2/models/clinic", 405) for method in ("POST", "PUT", "DELETE")],
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_no_route_is_refused(method: str, path: str, status: int) -> None:
    """Another service, release, route or method is refused by name; nothing falls through."""
    door = a_door(SIGNATURE)
    with pytest.raises(Rejected) as caught:
        door.route(method, path, "r", {})
    assert status == caught.value.status
    reply = door.refuse(path, caught.value, "r")
    assert ("error" in json.loads(reply.body)) == path.startswith("/v2")
    assert (status == 405) == (dict(reply.headers).get("allow") in ("GET", "POST"))


def test_an_error_names_the_request() -> None:
    """A problem document has type, title, status, detail and the request's id."""
    status, problem = post(a_door(SIGNATURE), PREDICT, {**ROW, "age": "old"})
    assert 400 == status
    assert {
        "type": "/problems/bad-value",
        "title": "bad value",
        "status": 400,
        "detail": 'column "age", row 0: expected FP64 (a number), given the string "old"',
        "request_id": "req-1",
        "errors": [{"where": 'column "age", row 0', "detail": 'expected FP64 (a number), given the string "old"'}],
    } == problem


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/octet-stream"}, 415),
        ({"content-type": "application/python-pickle"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": ""}, 415),
        ({"content-encoding": "br"}, 415),
        ({"content-encoding": "gzip"}, 400),
        ({"inference-header-content-length": "10"}, 400),
    ],
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PREDICT, ROW),
        (
            INFER,
            {
                "inputs": [
                    {"name": "age", "datatype": "FP64", "shape": [1], "data": [1]},
                    {"name": "visits", "datatype": "INT64", "shape": [1], "data": [1]},
                    {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["a"]},
                ]
            },
        ),
    ],
)
def test_the_media_type_is_json(path: str, body: Any, headers: dict[str, str], status: int) -> None:
    """A body is JSON or it is refused; no header chooses how it is unpacked into objects."""
    assert status == post(a_door(SIGNATURE), path, body, headers)[0]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_read(encoding: str, pack: Any) -> None:
    """A compressed body is unpacked; one that is cut off, has a tail or explodes is refused."""
    door, body = a_door(SIGNATURE), json.dumps(ROW).encode()
    headers = {"content-encoding": encoding}
    assert 200 == post(door, PREDICT, pack(body), headers)[0]
    assert 200 == post(door, PREDICT, pack(body), {"content-encoding": f" {encoding.upper()}"})[0]
    assert 400 == post(door, PREDICT, pack(body)[:-3], headers)[0]
    assert 400 == post(door, PREDICT, pack(body) + b"tail", headers)[0]
    assert 413 == post(door, PREDICT, pack(bytes(REQUEST_BODY_BYTES_MAX + 1)), headers)[0]


def test_too_many_rows_are_refused() -> None:
    """A request has at most 100,000 rows."""
    status, problem = post(
        a_door(columns_signature(ColumnSpec("age", "FP64"))), PREDICT, [[1]] * (REQUEST_ROWS_MAX + 1)
    )
    assert (413, True) == (status, "at most 100000" in problem["detail"])


@pytest.mark.parametrize(
    "answer",
    [
        {"prediction": np.array([np.nan])},
        {"prediction": np.array([np.inf], dtype=np.float32)},
        {"prediction": np.array([1.0, 2.0])},
        {"prediction": 1.0},
        {"prediction": [None]},
        {"prediction": [{"a": 1}]},
        {"prediction": [2**70]},
        {"prediction": [1, "a"]},
        {"prediction": np.array(["2026-01-01"], dtype="datetime64[D]")},
        {"other": [1.0]},
    ],
)
def test_answers_that_cannot_be_sent_are_the_models_failure(answer: Any) -> None:
    """A model that answers NaN, too many rows or a foreign type has failed: 500, never a repaired answer."""
    status, problem = post(a_door(SIGNATURE, lambda frame: answer), PREDICT, ROW)
    assert (500, "model failed") == (status, problem["title"])


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (np.array([1.5], dtype=np.float16), 1.5),
        (np.array([0.1], dtype=np.float32), float(np.float32(0.1))),
        (np.array([3], dtype=np.int32), 3),
        (np.array([True]), True),
        (["ja"], "ja"),
        (np.array(["ja"]), "ja"),
        (np.array([b"ja"]), "ja"),
        ([b"ja"], "ja"),
        (np.array([np.int64(3)], dtype=object), 3),
        (np.array([1.5], dtype=object), 1.5),
        (np.array([False], dtype=object), False),
    ],
)
def test_answers_keep_their_type(answer: Any, sent: Any) -> None:
    """Numbers, booleans and text are sent as what they are."""
    prediction = post(a_door(SIGNATURE, lambda frame: {"prediction": answer}), PREDICT, ROW)[1]["predictions"][0]
    assert (type(sent), sent) == (type(prediction), prediction)


def test_mixed_numbers_are_floats() -> None:
    """Whole numbers and floats side by side are floats."""
    door = a_door(SIGNATURE, lambda frame: {"prediction": np.array([1, 2.5], dtype=object)})
    assert [1.0, 2.5] == post(door, PREDICT, [ROW, ROW])[1]["predictions"]


def test_a_raising_model_is_a_500_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns that the model failed and under which request id; the traceback goes to the log alone."""

    def fail(frame: Any) -> dict[str, Any]:
        raise ValueError("secret of the patient")

    for path, body in [(PREDICT, ROW), (INFER, {"inputs": [X_AGE, X_VISITS, X_CITY]})]:
        status, answer = post(a_door(SIGNATURE, fail), path, body)
        assert (500, True) == (status, "req-1" in json.dumps(answer))
        assert "secret" not in json.dumps(answer)
    assert "req-1" in caplog.text
    assert "secret of the patient" in caplog.text
    assert "Traceback" in caplog.text


X_AGE = {"name": "age", "datatype": "FP64", "shape": [1], "data": [1]}
X_VISITS = {"name": "visits", "datatype": "INT64", "shape": [1], "data": [1]}
X_CITY = {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["a"]}


def stream(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_arrow_goes_in_and_out() -> None:
    """A table may come as an Arrow stream and be answered as one, with release and request in its metadata."""
    signature = Signature(
        SIGNATURE.inputs, SIGNATURE.outputs, SIGNATURE.columns, ("no", "yes"), "prediction", "probability"
    )
    answer = {"prediction": ["yes", "no"], "probability": np.array([[0.25, 0.75], [1.0, 0.0]])}
    door = a_door(signature, lambda frame: answer)
    body = stream(pa.table({"city": ["a", "b"], "age": [1.0, 2.0], "visits": [1, 2]}))
    call = door.route("POST", PREDICT, "req-1", {"content-type": ARROW, "accept": ARROW})
    reply = door.predict(call, body, NoDeadline())
    assert (200, ARROW) == (reply.status, reply.media_type)
    table = pa.ipc.open_stream(reply.body).read_all()
    assert {"prediction": ["yes", "no"], "probability": [[0.25, 0.75], [1.0, 0.0]]} == table.to_pydict()
    assert {b"release": b"abababababab", b"request_id": b"req-1"} == table.schema.metadata


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not an Arrow stream"),
        (b"\xff" * 100, "not an Arrow stream"),
        (stream(pa.table({"age": [1.0]}))[:-30], "not an Arrow stream"),
        (stream(pa.table({"age": [1.0]})), 'columns "visits", "city": are missing'),
        (stream(pa.table({"age": [float("nan")], "visits": [1], "city": ["a"]})), 'column "age", row 0'),
        (stream(pa.Table.from_arrays([pa.array([1.0]), pa.array([1.0])], names=["age", "age"])), "stands twice"),
        (stream(pa.table({"age": [1.0] * (REQUEST_ROWS_MAX + 1)})), "at most 100000"),
    ],
)
def test_bad_arrow_is_refused(body: bytes, words: str) -> None:
    """An Arrow stream is checked like JSON: cut off, other columns, NaN, too many rows."""
    status, problem = post(a_door(SIGNATURE), PREDICT, body, {"content-type": ARROW})
    assert (400 <= status < 500, True) == (True, words in problem["detail"]), problem


def test_tensor_models_take_no_arrow() -> None:
    """A model over tensors says that it wants JSON."""
    assert 415 == post(a_door(TENSOR), PREDICT, stream(pa.table({"x": [1.0]})), {"content-type": ARROW})[0]


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("1m", 10.0), ("0.5s", 0.5), ("", 10.0)])
def test_durations(text: str, seconds: float) -> None:
    """A caller may shorten its time limit, never lengthen it."""
    assert seconds == seconds_allowed(text, 10.0)


@pytest.mark.parametrize("text", ["soon", "5", "-1s", "1h", "1e3s", "infs"])
def test_odd_durations_are_refused(text: str) -> None:
    """What is no duration is a 400 that shows one."""
    with pytest.raises(Rejected, match="such as 250ms"):
        seconds_allowed(text, 10.0)
