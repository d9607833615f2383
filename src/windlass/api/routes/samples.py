"""Samples: rows of a service that its build recorded."""

from typing import Any

from fastapi import APIRouter, Request

from windlass.api.routes import engine_of
from windlass.engine import queries
from windlass.engine.samples import sample

router = APIRouter(tags=["services"])


@router.get("/services/{service}/sample")
async def recorded(request: Request, service: str) -> dict[str, Any]:
    """Up to twenty rows that the model predicted when it was built, and its signature."""
    found = await sample(engine_of(request), service)
    return {"api": queries.API, "kind": "sample", **found}
