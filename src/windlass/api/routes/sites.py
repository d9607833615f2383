"""Sites: they fetch their signed plan and hand in reports; nobody calls a site."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response

from windlass.api.routes import engine_of
from windlass.engine import commands
from windlass.facts.counts import SiteReport
from windlass.kernel.errors import UserMistake
from windlass.kernel.records import from_json, to_json

POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 30.0

router = APIRouter(tags=["sites"])


@router.get("/sites/{site}/plan")
async def plan(
    request: Request, site: str, wait: float = 0.0, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """The site's signed plan. With `If-None-Match` it waits up to `wait` seconds for a newer one, then answers 304."""
    engine = engine_of(request)
    left = max(0.0, min(wait, WAIT_SECONDS_MAX))
    while True:
        laid_out = engine.ports.sites.plan(site)
        if laid_out is not None and f'"{laid_out.generation}"' != if_none_match:
            return JSONResponse(to_json(laid_out), headers={"ETag": f'"{laid_out.generation}"'})
        if left <= 0:
            return Response(status_code=304 if laid_out is not None else 204)
        await engine.ports.clock.sleep(POLL_SECONDS)
        left -= POLL_SECONDS


@router.post("/sites/{site}/report")
async def report(request: Request, site: str) -> dict[str, Any]:
    """A site's report: absolute totals, so that repeating one is harmless."""
    try:
        received = from_json(SiteReport, await request.json())
    except (ValueError, RecursionError) as error:
        raise UserMistake(f"the report does not fit: {error}", code="invalid-report") from error
    if received.site != site:
        raise UserMistake("the report names another site than its path", code="invalid-report")
    commands.accept_report(engine_of(request), received)
    return {"accepted": received.seq}
