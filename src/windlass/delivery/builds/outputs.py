"""Which file of a build's output is the model, and in which format.

A name is only a claim: a pickle runs whatever code it holds, so its first byte counts more than its ending.
"""

import posixpath
from collections.abc import Sequence

from windlass.kernel.errors import Refused, UserMistake, clip

HEAD_BYTES = 4
_FORMATS = {".onnx": "onnx", ".skops": "skops", ".pkl": "pickle", ".pickle": "pickle", ".joblib": "pickle"}
_NOT_YET = (".bst", ".h5", ".keras", ".pb", ".pmml", ".pt", ".pth", ".safetensors", ".ubj")
_KNOWN = ".onnx and .skops"
_SHOWN_MAX = 5
_SKOPS_LINES = (
    "write it with skops: `import skops.io` and "
    "`skops.io.dump(model, os.environ['WINDLASS_OUTPUT'] + '/model.skops')`; "
    "or, if you trust where it comes from, put `allow: [pickle]` into windlass.yaml"
)


def is_target(model: str) -> bool:
    """Whether `model:` names a class (`module:Class`) and not a file."""
    return ":" in model


def choose_model(files: Sequence[str], wanted: str) -> str:
    """The one file of an output that is the model.

    Args:
        files: every file of the output, relative, sorted.
        wanted: the file that `model:` names, empty where it names none.

    Raises:
        UserMistake: there is none or more than one; the words name what is there.
    """
    if wanted:
        if wanted not in files:
            remedy = "correct model: or write that file"
            raise UserMistake(f"the output has no {clip(wanted)}; {_shown(files)}", code="no-model", remedy=remedy)
        return wanted
    models = [name for name in files if _ending(name) in _FORMATS] or [
        name for name in files if _ending(name) in _NOT_YET
    ]
    if len(models) == 1:
        return models[0]
    if not models:
        remedy = f"write one model ({_KNOWN}) into the folder that WINDLASS_OUTPUT names"
        raise UserMistake(f"the output holds no model; {_shown(files)}", code="no-model", remedy=remedy)
    remedy = "name the right one as model: in windlass.yaml"
    raise UserMistake(f"the output holds {len(models)} models: {_listed(models)}", code="two-models", remedy=remedy)


def format_of(name: str, head: bytes, allow: Sequence[str]) -> str:
    """The format of a model file: onnx, skops or pickle.

    Args:
        name: the file's name.
        head: its first `HEAD_BYTES` bytes.
        allow: the words of `allow:`.

    Raises:
        UserMistake: the format is not known, or the content is not what the ending says.
        Refused: it is a pickle and nobody has allowed one.
    """
    ending = _ending(name)
    known = "pickle" if _is_pickle(head) else _FORMATS.get(ending)
    if known is None:
        when = "is not served yet" if ending in _NOT_YET else "is no model format"
        what = f"{ending or 'a file without an ending'} {when}"
        raise UserMistake(what, code="unknown-format", where=clip(name), remedy=f"write the model as {_KNOWN}")
    if known == "pickle" and "pickle" not in allow:
        what = "is a pickle, and loading one runs whatever code it holds"
        raise Refused(what, code="pickle-refused", where=clip(name), remedy=_SKOPS_LINES)
    if known == "skops" and not head.startswith(b"PK"):
        remedy = "write it with skops.io.dump"
        raise UserMistake(
            "is not a skops file, whatever its name says", code="bad-model", where=clip(name), remedy=remedy
        )
    return known


def _is_pickle(head: bytes) -> bool:
    """Every pickle since protocol 2 begins so; no ONNX or skops file does."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _shown(files: Sequence[str]) -> str:
    return f"it holds {_listed(files)}" if files else "it is empty"


def _listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - _SHOWN_MAX} more" if len(files) > _SHOWN_MAX else ""
    return ", ".join(clip(name) for name in files[:_SHOWN_MAX]) + more
