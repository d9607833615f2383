"""Facts: the audit log as a list and as a stream of events."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from windlass.api.routes import engine_of
from windlass.engine import queries
from windlass.engine.loop import Engine
from windlass.ports.store import FactQuery

EVENT_POLL_SECONDS = 0.2
COMMENT_SECONDS = 15.0  # proxies drop a silent stream after a minute

router = APIRouter(tags=["facts"])


@router.get("/facts")
async def facts(request: Request, service: str = "", after: int = 0, limit: int = 200) -> dict[str, Any]:
    """Stored facts with their sentences, in order."""
    query = FactQuery(service or None, max(0, after), max(1, min(limit, 1000)))
    return await queries.facts(engine_of(request), query)


@router.get("/events")
async def events(
    request: Request, service: str = "", last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """New facts as server-sent events; `Last-Event-ID` resumes after that fact."""
    after = int(last_event_id) if last_event_id.isdigit() else -1
    stream = _stream(engine_of(request), service or None, after)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _stream(engine: Engine, service: str | None, after: int) -> AsyncIterator[str]:
    if after < 0:
        newest = await engine.ports.store.facts(FactQuery(service, limit=1))
        after = newest[-1].number if newest else 0
    silent = 0.0
    while True:
        found = (await queries.facts(engine, FactQuery(service, after, 200)))["items"]
        for item in found:
            after = item["number"]
            yield f"id: {after}\nevent: {item['kind']}\ndata: {json.dumps(item)}\n\n"
        silent = 0.0 if found else silent + EVENT_POLL_SECONDS
        if silent >= COMMENT_SECONDS:
            silent = 0.0
            yield ": nothing new\n\n"
        await engine.ports.clock.sleep(EVENT_POLL_SECONDS)
