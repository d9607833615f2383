"""Services: what is true of them, why, their logs, and people's acts."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from windlass.api import keys
from windlass.api.principals import principal_of
from windlass.api.routes import Body, engine_of
from windlass.engine import chains, commands, queries
from windlass.engine.collect import collect
from windlass.kernel.records import to_json

LOG_CHUNK_BYTES = 256 * 1024
Logs = Callable[[str, str, str], list[str]]  # (service, source, job) -> paths of log files, oldest first

router = APIRouter(tags=["services"])


class ActBody(Body):
    """An act: its reason and the verb's own arguments."""

    reason: str = Field(default="", max_length=2000)
    arguments: dict[str, str | bool | int] = Field(default_factory=dict)


class CollectBody(Body):
    """Whether only to say what would be removed."""

    dry_run: bool = False


class LogQuery(BaseModel):
    """Which log, and from where: `source` is build, gate or replica; `after` is where the last piece ended."""

    model_config = ConfigDict(extra="forbid")

    source: str = "build"
    job: str = ""
    after: int = Field(default=0, ge=0)
    path: str = ""


@router.get("/status")
async def status(request: Request, service: str = "") -> dict[str, Any]:
    """Everything that is true now, of one service or of all."""
    return await queries.status(engine_of(request), service)


@router.get("/why/{noun}/{name}")
async def why(request: Request, noun: str, name: str) -> dict[str, Any]:
    """The chain of decisions and facts that led to the state of a service, of one of its stages, or of a release."""
    return await chains.why(engine_of(request), noun, name)


@router.post("/services/{service}/{verb}")
async def act(
    request: Request,
    service: str,
    verb: str,
    body: ActBody,
    idempotency_key: Annotated[str, Header(max_length=keys.CHARACTERS_MAX + 2)] = "",
) -> dict[str, Any]:
    """Ask for an act; the answer comes when a pass of the loop has carried it out or refused it."""
    asked = commands.Act(verb, service, body.reason, body.arguments, idempotency_key.strip('"'))
    words = await commands.ask(engine_of(request), principal_of(request), asked)
    return {"api": queries.API, "kind": "act", "service": service, "verb": verb, "outcome": "done", "sentence": words}


@router.post("/gc")
async def gc(request: Request, body: CollectBody) -> dict[str, Any]:
    """Remove what no plan can still reach."""
    collected = await collect(engine_of(request), principal_of(request), dry_run=body.dry_run)
    items = [{"kind": one.kind, "name": one.name, "size_bytes": one.size_bytes} for one in collected.leftovers]
    counted = {key: value for key, value in to_json(collected).items() if key != "leftovers"}
    return {"api": queries.API, "kind": "gc", "dry_run": body.dry_run, **counted, "items": items}


@router.get("/logs/{service}")
async def logs(request: Request, service: str, query: Annotated[LogQuery, Query()]) -> dict[str, Any]:
    """A piece of a log.

    Without `path` the newest log is read; its path comes back, so that the next call goes on in the same file."""
    found = request.app.state.logs(service, query.source, query.job)
    chosen = query.path if query.path in found else (found[-1] if found else "")
    text, end = _piece(chosen, query.after if query.path == chosen else 0) if chosen else ("", 0)
    answer = {"service": service, "source": query.source, "path": chosen, "paths": found, "text": text, "after": end}
    return {"api": queries.API, "kind": "log", **answer}


def _piece(path: str, after: int) -> tuple[str, int]:
    with open(path, "rb") as file:
        file.seek(after)
        data = file.read(LOG_CHUNK_BYTES)
    return data.decode("utf-8", errors="replace"), after + len(data)
