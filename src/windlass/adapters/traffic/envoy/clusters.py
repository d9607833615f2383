"""One Envoy cluster per release of a service, its endpoints in a file of their own.

Replicas come and go without touching the cluster: a cluster update resets the counters and connections of a release.
"""

from typing import Any

from windlass.adapters.traffic.envoy.bootstrap import TYPE, source
from windlass.adapters.traffic.envoy.settings import EnvoySettings
from windlass.kernel.digests import Digest, hex_of
from windlass.ports.traffic import Endpoints

RETRIES_MAX = 1000  # Envoy's own limit of 3 loses requests as soon as a replica dies under load
REQUESTS_MAX = 100_000  # the model server says when it is overloaded; the gateway does not guess
IDLE_SECONDS_MAX = 60


def cluster_name(service: str, release: str) -> str:
    """The cluster of one release: the service and the digest's hex; the access log shows it."""
    return f"{service}/{hex_of(Digest(release))}"


def parse_cluster(name: str) -> tuple[str, str]:
    """Service and release digest of a cluster's name; empty strings where it is none of ours."""
    service, mark, digits = name.partition("/")
    return (service, f"blake3:{digits}") if mark else ("", "")


def endpoints_file(name: str) -> str:
    """The file with a cluster's endpoints."""
    return name.replace("/", ".") + ".json"


def cluster(name: str, settings: EnvoySettings) -> dict[str, Any]:
    """The cluster; where its endpoints are stands in their own file."""
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    protocol = {
        "@type": TYPE + kind,
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": f"{IDLE_SECONDS_MAX}s"},
    }
    limits = {
        "max_retries": RETRIES_MAX,
        "max_connections": REQUESTS_MAX,
        "max_pending_requests": REQUESTS_MAX,
        "max_requests": REQUESTS_MAX,
    }
    return {
        "name": name,
        "type": "EDS",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "eds_cluster_config": {
            "service_name": name,
            "eds_config": source(settings.endpoints_folder, endpoints_file(name)),
        },
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {kind: protocol},
    }


def assignment(name: str, endpoints: Endpoints) -> dict[str, Any]:
    """The endpoints of a cluster."""
    found = [{"endpoint": {"address": {"pipe": {"path": path}}}} for path in endpoints.sockets]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": found}]}
