"""What `env:NAME` and `file:PATH` refer to on this machine."""

import os
from pathlib import Path

from windlass.kernel.errors import UserMistake, clip


def value_of(text: str) -> str:
    """The value of a variable of this process, or the text of a file without its last line break; other text is itself.

    Raises:
        UserMistake: there is no such variable, or the file cannot be read as text.
    """
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        found = os.environ.get(name)
        if found is None:
            remedy = f"set {clip(name)} where `windlass up` runs"
            raise UserMistake("the variable is not set", code="no-secret", remedy=remedy)
        return found
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:"))
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            what = f"{clip(str(path))} cannot be read as text"
            raise UserMistake(what, code="no-secret", remedy="put it there") from error
    return text
