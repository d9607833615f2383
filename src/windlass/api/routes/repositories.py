"""Repositories: which branches are watched."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from windlass.api.principals import principal_of
from windlass.api.routes import Body, engine_of
from windlass.engine import commands, queries

router = APIRouter(tags=["repositories"])


class WatchBody(Body):
    """A repository and the branch to watch."""

    repository: str = Field(min_length=1, max_length=4096)
    branch: str = Field(min_length=1, max_length=1024)


@router.post("/repositories")
async def watch(request: Request, body: WatchBody) -> dict[str, Any]:
    """Watch a branch of a repository from now on."""
    await commands.watch_repository(engine_of(request), principal_of(request), body.repository, body.branch)
    return {"api": queries.API, "kind": "repository", "repository": body.repository, "branch": body.branch}


@router.post("/sync")
async def sync(request: Request) -> dict[str, Any]:
    """Look at all repositories now; answered when what was found there is stored."""
    await commands.look(engine_of(request))
    return {"api": queries.API, "kind": "sync"}
