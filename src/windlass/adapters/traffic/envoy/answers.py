"""What the gateway answers itself: its health, its name, which services there are, and why something is not there."""

import json
from collections.abc import Sequence
from typing import Any

from windlass import __version__
from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.digests import short

JSON = "application/json"
PROBLEM = "application/problem+json"
BODY_BYTES_MAX = 1 << 20
NAMES_SHOWN_MAX = 50
EXTENSIONS = ("model_repository",)


def fixed(match: dict[str, Any], status: int, body: object, kind: str = JSON) -> dict[str, Any]:
    """A route whose answer is fixed; 503 says when to ask again."""
    headers = [_header("content-type", kind)]
    if status == 503:
        headers.append(_header("retry-after", "1"))
    text = json.dumps(body, ensure_ascii=False)
    return {
        "match": match,
        "direct_response": {"status": status, "body": {"inline_string": text}},
        "response_headers_to_add": headers,
    }


def problem(slug: str, title: str, status: int, detail: str) -> dict[str, Any]:
    """A problem after RFC 9457."""
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}


def about_gateway(services: Sequence[ServiceSlice], unready: frozenset[str]) -> list[dict[str, Any]]:
    """Routes about the gateway as a whole. It is ready when every service it knows can be answered."""
    status = 503 if unready else 200
    ready = {"ready": not unready, "live": True}
    listed = {**ready, "unready": sorted(unready)} if unready else ready
    forbidden = "Git decides which models are loaded: commit a change instead"
    return [
        fixed({"path": "/v2"}, 200, {"name": "windlass", "version": __version__, "extensions": list(EXTENSIONS)}),
        fixed({"path": "/v2/health/live"}, 200, {"live": True}),
        fixed({"path": "/v2/health/ready"}, status, ready),
        fixed({"path": "/livez"}, 200, {"live": True}),
        fixed({"path": "/readyz"}, status, listed),
        fixed({"path": "/healthz"}, 200, {"live": True}),
        fixed({"path": "/v2/repository/index"}, 200, _index(services, unready)),
        fixed(
            {"safe_regex": {"regex": "/v2/repository/models/[^/]+/(load|unload)"}},
            403,
            {"error": forbidden},
        ),
    ]


def nothing_here(services: Sequence[ServiceSlice]) -> list[dict[str, Any]]:
    """The last routes: what was asked for does not exist, and this is what does."""
    names = [piece.service for piece in services]
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    known = ", ".join(names[:NAMES_SHOWN_MAX]) + more if names else "none yet"
    words = f"no service of this name answers here; services: {known}"
    plain = f"services answer under /predict/<service> and /v2/models/<service>; services: {known}"
    return [
        fixed({"prefix": "/v2/models/"}, 404, {"error": words}),
        fixed({"prefix": "/predict/"}, 404, problem("no-such-service", "No such service", 404, words), PROBLEM),
        fixed({"prefix": "/"}, 404, problem("no-such-page", "Nothing answers here", 404, plain), PROBLEM),
    ]


def not_ready(service: str) -> list[dict[str, Any]]:
    """A known service that no replica answers for now: 503, never 404."""
    words = f"the service {service!r} has no ready replica yet; ask again in a second"
    return [
        fixed({"path_separated_prefix": f"/v2/models/{service}"}, 503, {"error": words}),
        fixed(
            {"path_separated_prefix": f"/predict/{service}"},
            503,
            problem("no-replica", "No replica is ready", 503, words),
            PROBLEM,
        ),
    ]


def no_such_release(service: str, releases: Sequence[str]) -> dict[str, Any]:
    """A request names a release that does not answer here."""
    known = ", ".join(short(release) for release in releases)
    words = f"this release of {service!r} does not answer here; releases that do: {known}"
    return fixed({"prefix": f"/v2/models/{service}/versions/"}, 404, {"error": words})


def _index(services: Sequence[ServiceSlice], unready: frozenset[str]) -> list[dict[str, str]]:
    return [
        {
            "name": piece.service,
            "version": short(route.release),
            "state": "UNAVAILABLE" if piece.service in unready else "READY",
            "reason": "no replica is ready" if piece.service in unready else "",
        }
        for piece in services
        for route in piece.routes
    ]


def _header(key: str, value: str) -> dict[str, Any]:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
