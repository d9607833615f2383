"""The gateway's door as the command line sees it: which port, whether it answers, and a request to paste."""

import http.client

from windlass.cli.session import Session
from windlass.cli.text.curl import curl, example_row
from windlass.kernel.errors import WindlassError
from windlass.sdk.homes import Home, settings_of

DEFAULT_PORT = 8080
LOOK_SECONDS = 2.0


def port_of(home: Home) -> int:
    """The port that `up` chose."""
    port = settings_of(home.settings).get("port", DEFAULT_PORT)
    return port if isinstance(port, int) else DEFAULT_PORT


def gateway_answers(port: int) -> bool:
    """Whether the gateway takes requests."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LOOK_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def working_curl(session: Session, service: str) -> str:
    """A request with a real row for a live service; empty where none is known."""
    try:
        found = session.api.get("v1", "services", service, "sample")
    except WindlassError:
        return ""
    rows = found.get("rows") or []
    row = rows[0] if rows else example_row(found.get("signature", {}))
    return curl(port_of(session.home), service, row) if row else ""
