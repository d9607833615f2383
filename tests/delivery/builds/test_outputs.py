"""Which file is the model, and what it is whatever it is called."""

import pytest

from windlass.delivery.builds.outputs import choose_model, format_of, is_target
from windlass.kernel.errors import Refused, UserMistake

PICKLE, ZIP, ONNX = b"\x80\x04\x95\x00", b"PK\x03\x04", b"\x08\x0a\x12\x07"


@pytest.mark.parametrize(
    ("files", "wanted", "chosen"),
    [
        (["model.skops"], "", "model.skops"),
        (["metrics.json", "m/model.ONNX"], "", "m/model.ONNX"),
        (["a.skops", "b.skops"], "b.skops", "b.skops"),
        (["weights.safetensors", "notes.txt"], "", "weights.safetensors"),
        (["model.pt", "model.onnx"], "", "model.onnx"),
    ],
)
def test_the_model_is_found(files: list[str], wanted: str, chosen: str) -> None:
    """The one model file is found among others; a name decides between several."""
    assert chosen == choose_model(files, wanted)


@pytest.mark.parametrize(
    ("files", "wanted", "words"),
    [
        ([], "", "the output holds no model; it is empty"),
        (["a.csv", "b.csv"], "", "the output holds no model; it holds a.csv, b.csv"),
        (["a.onnx", "b.skops"], "", "the output holds 2 models: a.onnx, b.skops"),
        (["a.onnx"], "b.onnx", "the output has no b.onnx; it holds a.onnx"),
        ([f"{n}.onnx" for n in range(7)], "", "0.onnx, 1.onnx, 2.onnx, 3.onnx, 4.onnx and 2 more"),
        (["a\x1b[2J.csv"], "", r"a\x1b[2J.csv"),
    ],
)
def test_what_was_found_is_named(files: list[str], wanted: str, words: str) -> None:
    """Where there is not exactly one model the words name what is there, safe to print and never endless."""
    with pytest.raises(UserMistake) as caught:
        choose_model(files, wanted)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "head", "allow", "found"),
    [
        ("m.skops", ZIP, (), "skops"),
        ("m.ONNX", ONNX, (), "onnx"),
        ("m.pkl", PICKLE, ("pickle",), "pickle"),
        ("m.joblib", b"x\x9c\x01\x02", ("pickle",), "pickle"),
        ("m.skops", PICKLE, ("pickle",), "pickle"),
        ("m.skops", ZIP, ("my.Type",), "skops"),
    ],
)
def test_the_format(name: str, head: bytes, allow: tuple[str, ...], found: str) -> None:
    """The ending says the format, unless the content is a pickle."""
    assert found == format_of(name, head, allow)


@pytest.mark.parametrize("name", ["m.pkl", "m.pickle", "m.joblib", "m.onnx", "m.skops", "m.dat"])
def test_a_pickle_is_refused_under_any_name(name: str) -> None:
    """A pickle that nobody allowed is refused whatever its name, with what to write instead."""
    with pytest.raises(Refused) as caught:
        format_of(name, PICKLE, ("my.Type",))
    assert "skops.io.dump" in str(caught.value) and "allow: [pickle]" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("m.safetensors", b"\x00" * 4, ".safetensors is not served yet"),
        ("m.csv", b"a,b\n", ".csv is no model format"),
        ("model", b"", "a file without an ending is no model format"),
        ("m.skops", b"oops", "is not a skops file, whatever its name says"),
    ],
)
def test_other_formats_are_refused(name: str, head: bytes, words: str) -> None:
    """A format that is not served is refused, never guessed."""
    with pytest.raises(UserMistake) as caught:
        format_of(name, head, ())
    assert words in str(caught.value)


def test_a_class_is_no_file() -> None:
    """`model: module:Class` names a class, `model: m.onnx` a file."""
    assert is_target("package.module:Class")
    assert not is_target("m.onnx")
