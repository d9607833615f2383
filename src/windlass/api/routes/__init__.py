"""One file per noun."""

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from windlass.engine.loop import Engine


class Body(BaseModel):
    """A request body: unknown fields, wrong types and infinities are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def engine_of(request: Request) -> Engine:
    """The engine behind the application."""
    engine = request.app.state.engine
    assert isinstance(engine, Engine)
    return engine
