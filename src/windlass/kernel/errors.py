"""The error tree. The branch says whose move it is: the person's, the policy's, the world's, or ours.

WindlassError
  UserMistake   the person can correct it: a file, a flag, a commit
  Refused       the request is well formed, but a rule, a quarantine or a freeze forbids it
  Unavailable   the world does not answer now; waiting or repairing helps
  Bug           a promise of our own is broken
"""

from dataclasses import dataclass

CLIP_CHARACTERS = 200  # enough to recognise a value, too little to carry a payload into a log


def clip(text: str) -> str:
    """Foreign text made safe to print: control characters escaped, at most 200 characters."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= CLIP_CHARACTERS else safe[: CLIP_CHARACTERS - 1] + "…"


class WindlassError(Exception):
    """What happened, where, and what to do; `code` is stable and made for machines.

    Args:
        what: what went wrong, one sentence without a full stop.
        code: a stable kebab-case word, the last part of the problem's type.
        where: file:line:column, a field, a path or a URL; empty where there is none.
        remedy: what the person should do or write instead; empty where nothing helps.
    """

    def __init__(self, what: str, *, code: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}; {self.remedy}" if self.remedy else head


class UserMistake(WindlassError):
    """The person who wrote the input can correct it."""


class Refused(WindlassError):
    """A rule, a quarantine, a freeze or a missing right forbids what was asked."""


class Unavailable(WindlassError):
    """The world does not answer now: a process, a disk, a remote. Waiting or repairing helps."""


class Bug(WindlassError):
    """One of our own promises is broken."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with an input, kept as data so that all of them can be shown at once.

    `where` is `file:line:column` or a narrower place; `field` the dotted key; `what` says what is wrong and what to
    write instead.
    """

    where: str
    field: str
    what: str

    def sentence(self) -> str:
        """The complaint as people see it: `windlass.yaml:9:7: gate[1]: unknown metric`."""
        parts = [part for part in (self.where, self.field, self.what) if part]
        return ": ".join(parts)
