"""Reads a remote repository as Windlass does, in a process of its own: what it trusts is decided when it starts.

Run as a module with the mirrors' folder, the repository and a path in it; prints one JSON object.
"""

import asyncio
import json
import os
import sys
from typing import Any

from windlass.adapters.git import PygitRepositories, secrets_of
from windlass.kernel.errors import WindlassError


async def look(folder: str, repository: str, path: str) -> dict[str, Any]:
    """The head of main and one of its files, or the error."""
    git = PygitRepositories(folder, secrets_of(os.environ))
    try:
        branch = await git.default_branch(repository)
        head = await git.head(repository, branch)
        text = (await git.read(repository, head.commit, path)).decode()
    except WindlassError as error:
        return {"kind": type(error).__name__, "code": error.code, "words": str(error)}
    return {"branch": branch, "commit": head.commit, "text": text}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look(*sys.argv[1:]))))
