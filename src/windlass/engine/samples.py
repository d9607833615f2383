"""The rows that a build recorded: what `windlass send` sends, and what `up` and `status` put into their curl."""

import json
from typing import Any

from windlass.engine.loop import Engine
from windlass.facts.state import ReleaseState
from windlass.kernel.digests import Digest, parse_digest
from windlass.kernel.errors import UserMistake


async def sample(engine: Engine, service: str) -> dict[str, Any]:
    """The recorded rows of the release that serves, else of the newest one; `rows` is empty where none were recorded.

    Raises:
        UserMistake: there is no such service, or it has no release yet.
        Unavailable: the stored rows cannot be read.
    """
    stored = await engine.current()
    state = stored.services.get(service)
    if state is None:
        names = ", ".join(sorted(stored.services)) or "none yet"
        raise UserMistake(f"there is no service {service}", code="no-such-service", remedy=f"known: {names}")
    newest = max(state.releases.values(), key=lambda one: (one.made_at, one.release), default=None)
    record = state.releases.get(state.live, newest)
    if record is None:
        raise UserMistake(f"{service} has no release yet", code="no-such-release", remedy="wait for its first build")
    blob = _blob(record)
    rows = json.loads(await engine.ports.artifacts.read(blob)).get("rows", []) if blob else []
    return {"service": service, "release": record.release, "rows": rows, "signature": dict(record.signature)}


def _blob(record: ReleaseState) -> Digest | None:
    recorded = record.provenance.get("sample")
    rows = recorded.get("rows") if isinstance(recorded, dict) else None
    return parse_digest(rows) if isinstance(rows, str) and rows else None
