"""ONNX models, made by hand and by the usual converter."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.serving.kit import DIGEST, close_to, loaded, make_release, post
from windlass.kernel.errors import Refused, UserMistake
from windlass.serving.door import Door
from windlass.serving.problems import ModelFailed
from windlass.serving.releases import load_model
from windlass.serving.runtimes import RunSpec, Source
from windlass.serving.runtimes.onnx_files import look
from windlass.serving.signature import Signature, read_signature

FLOAT, INT64, STRING, HALF = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING, TensorProto.FLOAT16
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(60, 3)).astype(np.float32)
ROWS = [dict(zip("abc", row, strict=True)) for row in X.tolist()]


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: tuple[Any, ...] = ()) -> Any:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def info(name: str, kind: int, shape: list[Any]) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def sums(shape: list[Any] | None = None) -> Any:
    """x [n, 3] -> y [n, 1], the sum of each row."""
    axes = numpy_helper.from_array(np.array([1], dtype=np.int64), "axes")
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)
    first = (shape or [None])[0]
    return model_of([node], [info("x", FLOAT, shape or [None, 3])], [info("y", FLOAT, [first, 1])], (axes,))


def release_of(folder: Path, model: Any, rows: Any) -> Path:
    def write(inside: Path) -> str:
        onnx.save(model, inside / "model.onnx")
        return "model.onnx"

    return make_release(folder, write, {"format": "onnx"}, rows)


def a_door(release: Path) -> Door:
    return Door(loaded(release), "clinic", DIGEST)


def load_file(path: Path) -> Any:
    return load_model(Source(path, None, RunSpec("onnx", path.name)))


def test_a_matrix_model_takes_named_columns(tmp_path: Path) -> None:
    """A model over one matrix takes the sample's columns by name, or the matrix by its own name and type."""
    release = release_of(tmp_path / "r", sums(), ROWS)
    door = a_door(release)
    assert ["a", "b", "c"] == [column.name for column in read_signature(release / "signature.json").columns]
    assert [6.0] == post(door, "/predict/clinic", {"c": 3, "a": 1, "b": 2})[1]["predictions"]
    tensor = {"name": "x", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}
    outputs = post(door, "/v2/models/clinic/infer", {"inputs": [tensor]})[1]["outputs"]
    assert [{"name": "y", "datatype": "FP32", "shape": [2, 1], "data": [6.0, 15.0]}] == outputs


def test_without_a_sample_it_takes_tensors(tmp_path: Path) -> None:
    """Without a sample a matrix model is served over its own tensors, tried with zeros once."""
    release = release_of(tmp_path / "r", sums(), None)
    signature = read_signature(release / "signature.json")
    assert ((), [("x", "FP32", (-1, 3))], [("y", "FP32", (-1, 1))]) == (
        signature.columns,
        [(spec.name, spec.datatype, spec.shape) for spec in signature.inputs],
        [(spec.name, spec.datatype, spec.shape) for spec in signature.outputs],
    )
    assert [6.0, 15.0] == post(a_door(release), "/predict/clinic", [[1, 2, 3], [4, 5, 6]])[1]["predictions"]


def test_one_input_a_column(tmp_path: Path) -> None:
    """A model with an input per column takes these columns in its own types."""
    nodes = [helper.make_node("Cast", ["n"], ["m"], to=FLOAT), helper.make_node("Add", ["a", "m"], ["y"])]
    model = model_of(nodes, [info("a", FLOAT, [None, 1]), info("n", INT64, [None, 1])], [info("y", FLOAT, [None, 1])])
    release = release_of(tmp_path / "r", model, [{"n": 1, "a": 2.5, "other": "x"}])
    columns = read_signature(release / "signature.json").columns
    assert [("a", "FP32"), ("n", "INT64")] == [(column.name, column.datatype) for column in columns]
    assert [3.5, 5.0] == post(a_door(release), "/predict/clinic", [{"a": 2.5, "n": 1}, {"a": 3, "n": 2}])[1][
        "predictions"
    ]


def test_text_inputs(tmp_path: Path) -> None:
    """A model over text takes strings and answers strings."""
    node = helper.make_node("Identity", ["word"], ["same"])
    model = model_of([node], [info("word", STRING, [None])], [info("same", STRING, [None])])
    release = release_of(tmp_path / "r", model, [{"word": "a"}])
    assert ["ä"] == post(a_door(release), "/predict/clinic", {"word": "ä"})[1]["predictions"]


def test_a_model_for_one_row_serves_many(tmp_path: Path) -> None:
    """A model that was exported for a batch of one is run row by row."""
    release = release_of(tmp_path / "r", sums([1, 3]), None)
    assert [6.0, 15.0] == post(a_door(release), "/predict/clinic", [[1, 2, 3], [4, 5, 6]])[1]["predictions"]


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("labels", [["no", "yes"], [3, 7]], ids=["text", "numbers"])
def test_converted_classifiers_know_their_classes(tmp_path: Path, zipmap: bool, labels: list[Any]) -> None:
    """A converted classifier names its classes from the file, with and without a map of probabilities."""
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    truth = np.array(labels)[(X[:, 0] > 0).astype(int)]
    fitted = RandomForestClassifier(n_estimators=4, random_state=1).fit(X, truth)
    model = to_onnx(fitted, X[:1], options={"zipmap": zipmap}, target_opset=17)
    release = release_of(tmp_path / "r", model, ROWS)
    _, answer = post(a_door(release), "/predict/clinic", X[:5].tolist())
    assert labels == answer["classes"]
    assert fitted.predict(X[:5]).tolist() == answer["predictions"]
    assert np.allclose(fitted.predict_proba(X[:5]), answer["probabilities"], atol=1e-6)


def test_a_softmax_alone_is_a_classifier(tmp_path: Path) -> None:
    """A model that answers only probabilities has numbered classes, and its prediction is the most probable."""
    model = model_of(
        [helper.make_node("Softmax", ["x"], ["p"], axis=1)],
        [info("x", FLOAT, [None, 3])],
        [info("p", FLOAT, [None, 3])],
    )
    release = release_of(tmp_path / "r", model, ROWS)
    _, answer = post(a_door(release), "/predict/clinic", [[0, 5, 0], [9, 0, 0]])
    assert ([1, 0], [0, 1, 2]) == (answer["predictions"], answer["classes"])
    assert close_to([1.0, 1.0], np.sum(answer["probabilities"], axis=1).round(6))


def test_nan_weights_fail_the_inference(tmp_path: Path) -> None:
    """A model whose weights are NaN is found out when its signature is inferred, by output and row."""
    nan = numpy_helper.from_array(np.array([np.nan], dtype=np.float32), "nan")
    node = helper.make_node("Add", ["x", "nan"], ["y"])
    model = model_of([node], [info("x", FLOAT, [None, 3])], [info("y", FLOAT, [None, 3])], (nan,))
    with pytest.raises(ModelFailed, match='output "y", row 0: the model answered NaN'):
        release_of(tmp_path / "r", model, ROWS)


def external(location: str) -> Any:
    """x [n, 2] -> y [n, 2], with two weights in a file of their own."""
    weights = numpy_helper.from_array(np.array([1, 2], dtype=np.float32), "w")
    node = helper.make_node("Add", ["x", "w"], ["y"])
    model = model_of([node], [info("x", FLOAT, [None, 2])], [info("y", FLOAT, [None, 2])], (weights,))
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    return model


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "sub/../../secret", "link"])
def test_external_data_stay_in_the_folder(tmp_path: Path, location: str) -> None:
    """External data outside the model's own folder are refused, a symbolic link too."""
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\x01" + bytes(7))
    (folder / "link").symlink_to(tmp_path / "secret")
    onnx.save_model(external(location), folder / "model.onnx")
    with pytest.raises(Refused, match="names external data outside its folder"):
        load_file(folder / "model.onnx")


def test_external_data_inside_the_folder_load(tmp_path: Path) -> None:
    """External data beside the model are its own."""
    (tmp_path / "weights.bin").write_bytes(np.array([1, 2], dtype=np.float32).tobytes())
    (tmp_path / "model.onnx").write_bytes(external("weights.bin").SerializeToString())
    assert ["weights.bin"] == look(tmp_path / "model.onnx").locations
    frame = {"x": np.zeros((1, 2), dtype=np.float32)}
    assert [[1.0, 2.0]] == load_file(tmp_path / "model.onnx").predict(frame, Signature(()))["y"].tolist()


def test_external_data_are_found_in_inner_graphs(tmp_path: Path) -> None:
    """A tensor in a branch of a graph is looked at like any other."""
    constant = helper.make_node("Constant", [], ["c"], value=external("../x").graph.initializer[0])
    branch = helper.make_graph([constant], "b", [], [info("c", INT64, [1])])
    node = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    model = model_of([node], [info("x", TensorProto.BOOL, [1])], [info("y", INT64, [1])])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(Refused):
        look(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ONNX file"),
        (b"\x3a\xff\xff\xff\xff\x0f", "a length of 4294967295 at offset 6 points past the end"),
        (b"\x3a", "a number is cut off at offset 1"),
        (b"\x08" + b"\xff" * 11, "a number is too long"),
        (b"\x0b", "unknown wire type 3 at offset 1"),
        (b"\x09\x01", "a number is cut off at the end"),
        (b"\x38\x01", "a number stands where a message belongs"),
        (b"\x08\x08", "onnxruntime cannot load it"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """A broken file is refused with the offset, before anything of its claimed size is allocated."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(UserMistake, match=words):
        load_file(path)


def test_any_bytes_are_refused_or_read(tmp_path: Path) -> None:
    """Whatever the bytes of a model file, looking at it ends with facts or with a refusal."""
    path = tmp_path / "model.onnx"
    good = sums().SerializeToString()

    @given(st.binary(max_size=60), st.integers(0, len(good)), st.integers(0, len(good)))
    def search(noise: bytes, begin: int, end: int) -> None:
        for content in (noise, good[:begin] + noise + good[end:]):
            path.write_bytes(content)
            try:
                look(path)
            except (UserMistake, Refused) as error:
                assert "model.onnx" in str(error)

    search()


def test_nesting_without_a_floor_is_refused(tmp_path: Path) -> None:
    """Graphs inside graphs end at a limit."""

    def wrapped(field: int, data: bytes) -> bytes:
        size, length = b"", len(data)
        while length >= 0x80:
            size += bytes([length & 0x7F | 0x80])
            length >>= 7
        return bytes([field << 3 | 2]) + size + bytes([length]) + data

    graph = b""
    for _ in range(30):
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    path = tmp_path / "model.onnx"
    path.write_bytes(wrapped(7, graph))
    with pytest.raises(UserMistake, match="nested too deeply"):
        look(path)


def test_half_precision_inputs_are_refused(tmp_path: Path) -> None:
    """A model over half-precision numbers says that requests cannot carry them."""
    node = helper.make_node("Identity", ["x"], ["y"])
    onnx.save(model_of([node], [info("x", HALF, [None])], [info("y", HALF, [None])]), tmp_path / "model.onnx")
    with pytest.raises(UserMistake, match="which a JSON request cannot carry"):
        load_file(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("rows", "words"),
    [([{"a": 1.0, "b": 2.0}], "takes 3 columns, the sample has 2"), ([{"a": 1.0, "b": 2.0, "c": {}}], 'column "c"')],
)
def test_samples_that_do_not_fit(tmp_path: Path, rows: Any, words: str) -> None:
    """A sample of another width or with unusable types is refused with what it has."""
    with pytest.raises(UserMistake, match=words):
        release_of(tmp_path / "r", sums(), rows)


def test_text_models_are_tried_without_a_sample(tmp_path: Path) -> None:
    """Without a sample a text model is tried with an empty text, and its inputs are its columns."""
    node = helper.make_node("Identity", ["word"], ["same"])
    model = model_of([node], [info("word", STRING, [None, 1])], [info("same", STRING, [None, 1])])
    signature = read_signature(release_of(tmp_path / "r", model, None) / "signature.json")
    assert [("word", "BYTES", False)] == [(c.name, c.datatype, c.nullable) for c in signature.columns]


def labelled(shift_by: int) -> Any:
    """x [n, 3] -> probabilities, and a label that is the most probable column's number plus `shift_by`."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["i"], axis=1, keepdims=0),
        helper.make_node("Add", ["i", "shift"], ["label"]),
    ]
    shift = numpy_helper.from_array(np.array([shift_by], dtype=np.int64), "shift")
    outputs = [info("label", INT64, [None]), info("p", FLOAT, [None, 3])]
    return model_of(nodes, [info("x", FLOAT, [None, 3])], outputs, (shift,))


@pytest.mark.parametrize(("shift", "classes"), [(0, (0, 1, 2)), (5, ())])
def test_unnamed_classes_are_counted_only_where_that_is_true(tmp_path: Path, shift: int, classes: Any) -> None:
    """Where the file names no classes, they are 0, 1, 2 if the labels of the sample say so; else nothing is guessed."""
    signature = read_signature(release_of(tmp_path / "r", labelled(shift), ROWS) / "signature.json")
    assert (classes, "label") == (signature.classes, signature.prediction)
    assert bool(classes) == bool(signature.probability)


def test_packed_class_labels_are_read(tmp_path: Path) -> None:
    """Class labels are found whether their numbers are written one by one or packed; a negative one keeps its sign."""
    attribute = helper.make_attribute("classlabels_int64s", [3, -7])
    name, label = b"\x0a\x12classlabels_int64s", (1 << 64) - 7
    packed = (
        name + b"\x42" + bytes([11, 3]) + bytes([label >> 7 * i & 0x7F | (0x80 if i < 9 else 0) for i in range(10)])
    )
    for data in (attribute.SerializeToString(), packed):
        node = b"\x2a" + bytes([len(data)]) + data
        graph = b"\x0a" + bytes([len(node)]) + node
        path = tmp_path / "model.onnx"
        path.write_bytes(b"\x3a" + bytes([len(graph)]) + graph)
        assert [(3, -7)] == look(path).classes


def test_a_sequence_that_is_no_table_is_a_failure(tmp_path: Path) -> None:
    """A model that answers a sequence of tensors cannot be served."""
    node = helper.make_node("SequenceConstruct", ["x", "x"], ["s"])
    output = helper.make_tensor_sequence_value_info("s", FLOAT, [None, 3])
    with pytest.raises(ModelFailed, match="a sequence that is no table of probabilities"):
        release_of(tmp_path / "r", model_of([node], [info("x", FLOAT, [None, 3])], [output]), ROWS)
