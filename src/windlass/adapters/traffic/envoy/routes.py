"""Slices of the plan as Envoy routes: the shares of a service, its named releases, its time-out and retries.

A route's name is fixed when a request is admitted and stands in the access log, so a request keeps the step in which
it came. Predictions count for their step; questions about a model (`about`) and requests that name a release (`named`)
never count: the first say nothing about predictions, and the second were not assigned by chance.
"""

from collections.abc import Sequence
from typing import Any

from windlass.adapters.traffic.envoy import answers
from windlass.adapters.traffic.envoy.bootstrap import ROUTES_NAME
from windlass.adapters.traffic.envoy.clusters import cluster_name
from windlass.delivery.services.types import Route, ServiceSlice
from windlass.kernel.digests import short
from windlass.ports.traffic import Endpoints

NAMED = "named"
ABOUT = "about"
UNIT_HEADER = "x-windlass-unit"
RETRIES = 5  # each kill of a replica costs a request one attempt
RETRY_BODY_BYTES_MAX = 8 << 20  # a larger body is not kept for a second attempt


def route_configuration(services: Sequence[ServiceSlice], endpoints: Sequence[Endpoints]) -> dict[str, Any]:
    """The whole routing table."""
    answering: dict[str, list[str]] = {}
    for one in endpoints:
        if one.sockets:
            answering.setdefault(one.service, []).append(one.release)
    unready = frozenset(piece.service for piece in services if not can_answer(piece, answering))
    routes = answers.about_gateway(services, unready)
    for piece in services:
        routes += _named(piece, answering.get(piece.service, []))
        routes += answers.not_ready(piece.service) if piece.service in unready else _shared(piece)
    routes += answers.nothing_here(services)
    host = {
        "name": "all",
        "domains": ["*"],
        "request_body_buffer_limit": RETRY_BODY_BYTES_MAX,
        "routes": routes,
    }
    return {
        "name": ROUTES_NAME,
        "validate_clusters": True,
        "max_direct_response_body_size_bytes": answers.BODY_BYTES_MAX,
        "virtual_hosts": [host],
    }


def can_answer(piece: ServiceSlice, answering: dict[str, list[str]]) -> bool:
    """Whether every release with a weight has endpoints."""
    wanted = [route.release for route in piece.routes if route.weight > 0]
    return bool(wanted) and set(wanted) <= set(answering.get(piece.service, ()))


def _shared(piece: ServiceSlice) -> list[dict[str, Any]]:
    """The service's own paths: each request goes where the weights say."""
    models = f"/v2/models/{piece.service}"
    action = {"weighted_clusters": _weights(piece), **_conduct(piece)}
    if piece.unit_header:
        action["hash_policy"] = [{"header": _salted(piece)}]
    counted = _unit(piece)
    step = f"{piece.service}/{piece.step_id}"
    return [
        {"name": step, "match": {"path": f"{models}/infer"}, "route": action, **counted},
        {"name": step, "match": {"path_separated_prefix": f"/predict/{piece.service}"}, "route": action, **counted},
        {"name": f"{piece.service}/{ABOUT}", "match": {"path_separated_prefix": models}, "route": action},
    ]


def _named(piece: ServiceSlice, releases: Sequence[str]) -> list[dict[str, Any]]:
    """Paths that name a release by at least the twelve digits that people see."""
    roles = {route.release: route.role for route in piece.routes}
    routes: list[dict[str, Any]] = []
    for release in releases:
        pattern = f"/v2/models/{piece.service}/versions/(blake3:)?{short(release)}[0-9a-f]*(/.*)?"
        routes.append(
            {
                "name": f"{piece.service}/{NAMED}",
                "match": {"safe_regex": {"regex": pattern}},
                "route": {"cluster": cluster_name(piece.service, release), **_conduct(piece)},
                "response_headers_to_add": _marks(release, roles.get(release, "")),
            }
        )
    return [*routes, answers.no_such_release(piece.service, releases)]


def _weights(piece: ServiceSlice) -> dict[str, Any]:
    """The champion stands first in every step, so that raising a share only moves units towards the candidate."""
    ordered = sorted(piece.routes, key=lambda route: (route.role != "champion", route.release))
    clusters = [_weighted(piece.service, route) for route in ordered if route.weight > 0]
    return {"clusters": clusters, **({"use_hash_policy": True} if piece.unit_header else {})}


def _weighted(service: str, route: Route) -> dict[str, Any]:
    return {
        "name": cluster_name(service, route.release),
        "weight": route.weight,
        "response_headers_to_add": _marks(route.release, route.role),
    }


def _salted(piece: ServiceSlice) -> dict[str, Any]:
    """Without a salt Envoy would send the same units to every candidate; an empty header counts as absent."""
    rewrite = {"pattern": {"regex": "^(.*)$"}, "substitution": piece.salt.replace("\\", "\\\\") + "|\\1"}
    return {"header_name": piece.unit_header, "regex_rewrite": rewrite}


def _conduct(piece: ServiceSlice) -> dict[str, Any]:
    """Time-out and retries. A connection that failed carried nothing, so that attempt may always be repeated."""
    reasons = ["connect-failure", "refused-stream"]
    if piece.idempotent:
        reasons.insert(0, "reset")
    predicate = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "timeout": f"{piece.timeout_seconds:.3f}s",
        "retry_policy": {
            "retry_on": ",".join(reasons),
            "num_retries": RETRIES,
            "host_selection_retry_max_attempts": RETRIES,
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {"@type": f"type.googleapis.com/{predicate}"},
                }
            ],
        },
    }


def _unit(piece: ServiceSlice) -> dict[str, Any]:
    """Copies the unit under one name for the access log, whose format cannot differ from route to route."""
    if not piece.unit_header:
        return {}
    header = {"key": UNIT_HEADER, "value": f"%REQ({piece.unit_header})%"}
    return {"request_headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]}


def _marks(release: str, role: str) -> list[dict[str, Any]]:
    marks = {"x-windlass-release": short(release), **({"x-windlass-role": role} if role else {})}
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in marks.items()
    ]
