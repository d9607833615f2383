"""`make bless`: renew the stored answers of the text sessions, and show what changed. Read it like code."""

import asyncio
import difflib
import sys
from pathlib import Path

from windlass.sim.session import play

SESSIONS = Path("tests/sessions")


def main() -> int:
    """Rewrite every session with fresh answers."""
    for path in sorted(SESSIONS.glob("*.txt")):
        before = path.read_text()
        after = asyncio.run(play(before, folder=SESSIONS))
        if after != before:
            path.write_text(after)
            changes = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
            sys.stdout.write("\n".join(changes) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
