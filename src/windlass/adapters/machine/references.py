"""What `env:NAME` and `file:PATH` refer to on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path

from windlass.kernel.errors import UserMistake, clip


def values_of(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that a file's `env:` declares, each with what it refers to: a variable of this process, or the text
    of a file without its last line break; other text is itself.

    Raises:
        UserMistake: there is no such variable, or the file cannot be read as text; `where` names the key.
    """
    return {name: _value(f"env.{name}", text) for name, text in env.items()}


def _value(where: str, text: str) -> str:
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        found = os.environ.get(name)
        if found is None:
            remedy = f"set {clip(name)} where `windlass up` runs"
            raise UserMistake("the variable is not set", code="no-secret", where=where, remedy=remedy)
        return found
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:"))
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            what = f"{clip(str(path))} cannot be read as text"
            raise UserMistake(what, code="no-secret", where=where, remedy="put it there") from error
    return text
