"""What never changes while Envoy runs: its own start, its listener, the line it writes for each finished request."""

from typing import Any

from windlass.adapters.traffic.envoy.settings import EnvoySettings

TYPE = "type.googleapis.com/"
ROUTES_NAME = "windlass"
STAT_PREFIX = "ingress"
REQUEST_SECONDS_MAX = 60  # a caller who sends slower than this holds memory for nothing
HEADERS_SECONDS_MAX = 10
NOBODY = {"address_prefix": "255.255.255.255", "prefix_len": 32}

# The last two come from callers and may hold tabs, so they stand at the end and the first of them has one character.
LINE_FIELDS = (
    "%START_TIME(%s%6f)%",
    "%ROUTE_NAME%",
    "%UPSTREAM_CLUSTER_RAW%",
    "%RESPONSE_CODE%",
    "%RESPONSE_FLAGS%",
    "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
    "%DURATION%",
    "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "%ACCESS_LOG_TYPE%",
    "%REQ(X-WINDLASS-SYNTHETIC):1%",
    "%REQ(X-WINDLASS-UNIT)%",
)


def source(folder: str, name: str) -> dict[str, Any]:
    """A configuration source: a file that Envoy reads again when it is replaced."""
    path = {"path": f"{folder}/{name}", "watched_directory": {"path": folder}}
    return {"path_config_source": path, "resource_api_version": "V3"}


def boot(settings: EnvoySettings) -> dict[str, Any]:
    """The file that Envoy is started with."""
    return {
        "node": {"id": "gateway", "cluster": "windlass"},
        "admin": {"address": {"pipe": {"path": settings.admin_socket, "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": source(settings.folder, "clusters.json"),
            "lds_config": source(settings.folder, "listeners.json"),
        },
    }


def listener(settings: EnvoySettings) -> dict[str, Any]:
    """The one listener. Without `reuse_port` a second gateway cannot take half of the connections."""
    connections = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _connections(settings)}
    return {
        "name": "gateway",
        "address": {"socket_address": {"address": settings.address, "port_value": settings.port}},
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [connections]}],
    }


def _connections(settings: EnvoySettings) -> dict[str, Any]:
    router = f"{TYPE}envoy.extensions.filters.http.router.v3.Router"
    uuid = f"{TYPE}envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig"
    return {
        "@type": f"{TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STAT_PREFIX,
        "server_name": "windlass",
        "rds": {"route_config_name": ROUTES_NAME, "config_source": source(settings.folder, "routes.json")},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": router, "suppress_envoy_headers": True}}
        ],
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [NOBODY]},  # no caller may steer Envoy by x-envoy headers
        "skip_xff_append": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {"typed_config": {"@type": uuid, "pack_trace_reason": False}},
        "normalize_path": True,
        "request_timeout": f"{REQUEST_SECONDS_MAX}s",
        "request_headers_timeout": f"{HEADERS_SECONDS_MAX}s",
        "access_log": [_access_log(settings.access_log)],
        "local_reply_config": {"mappers": _replies()},
    }


def _access_log(path: str) -> dict[str, Any]:
    line = {"text_format_source": {"inline_string": "\t".join(LINE_FIELDS) + "\n"}}
    kind = f"{TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {"@type": kind, "path": path, "log_format": line},
    }


def _replies() -> list[dict[str, Any]]:
    """How Envoy words the errors that it makes itself: as the route's protocol does, else as a problem (RFC 9457)."""
    tensors = {"header_filter": {"header": {"name": ":path", "string_match": {"prefix": "/v2/"}}}}
    own: dict[str, Any] = {"response_flag_filter": {}}  # answers from a replica and fixed answers have no flag
    unavailable = {"default_value": 503, "runtime_key": "windlass"}
    busy = {"status_code_filter": {"comparison": {"op": "EQ", "value": unavailable}}}
    problem = {
        "type": "/problems/gateway-%RESPONSE_CODE%",
        "title": "%LOCAL_REPLY_BODY%",
        "status": "%RESPONSE_CODE%",
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    bodies = (
        (tensors, {"json_format": {"error": "%LOCAL_REPLY_BODY%"}, "content_type": "application/json"}),
        (None, {"json_format": problem, "content_type": "application/problem+json"}),
    )
    retry_after = [{"header": {"key": "retry-after", "value": "1"}}]
    replies: list[dict[str, Any]] = []
    for path, body in bodies:
        filters = [own, path] if path else [own]
        replies.append({"filter": _both([*filters, busy]), "headers_to_add": retry_after, "body_format_override": body})
        replies.append({"filter": _both(filters), "body_format_override": body})
    return replies


def _both(filters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"and_filter": {"filters": filters}} if len(filters) > 1 else filters[0]
