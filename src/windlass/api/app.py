"""The application: every route hangs here, and nothing answers that is not in this list."""

from fastapi import FastAPI

from windlass import __version__
from windlass.api import problems
from windlass.api.keys import IdempotencyKeys
from windlass.api.routes import facts, repositories, samples, services, sites
from windlass.engine.loop import Engine


def make_app(engine: Engine, logs: services.Logs) -> FastAPI:
    """The API of one control plane. `logs` finds the log files of a service."""
    app = FastAPI(title="Windlass", version=__version__, docs_url=None, redoc_url=None)
    app.state.engine = engine
    app.state.logs = logs
    problems.install(app)
    app.add_middleware(IdempotencyKeys, now=engine.ports.clock.now)
    for router in (services.router, samples.router, repositories.router, facts.router, sites.router):
        app.include_router(router, prefix="/v1", responses={400: {"description": "unreadable"}})

    @app.get("/livez")
    async def livez() -> dict[str, bool]:
        """Whether the process answers at all."""
        return {"live": True}

    return app
