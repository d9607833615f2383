"""`windlass up` waits for the services that shall answer, and says which does not and why."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from windlass.cli.serving import service_answers, wait_until_all_answer

LIVE = {"release": "blake3:1"}


def item(service: str, *replicas: dict[str, Any], live: bool = True, state: str = "live") -> dict[str, Any]:
    """A service as the status tells it."""
    return {"service": service, "state": state, "live": LIVE if live else None, "replicas": list(replicas)}


def replica(state: str, words: str = "", restarts: int = 0, release: str = "blake3:1") -> dict[str, Any]:
    """A replica as its site sees it."""
    return {"name": "r-1", "release": release, "state": state, "words": words, "restarts": restarts}


def test_a_cold_replica_is_waited_for() -> None:
    """A service whose replica starts answers some looks later; one without a release is not asked."""
    looks, asked, said = [0], list[str](), list[str]()

    def look() -> list[dict[str, Any]]:
        looks[0] += 1
        return [item("fraud", replica("ready" if looks[0] > 1 else "starting")), item("new", live=False)]

    def answers(service: str) -> bool:
        asked.append(service)
        return looks[0] > 2

    assert {} == wait_until_all_answer(look, answers, said.append, 60.0)
    assert (3, {"fraud"}, ["waiting for fraud to answer"] * 2) == (looks[0], set(asked), said)


def test_the_control_plane_must_have_heard() -> None:
    """A service that answers already is waited for until the status that is shown says so as well."""
    unheard = [[item("fraud")], [item("fraud", state="not ready")], [item("fraud", replica("starting"))]]
    looks = iter([*unheard, [item("fraud", replica("ready"))]])
    assert {} == wait_until_all_answer(lambda: next(looks), lambda name: True, print, 60.0)
    assert [] == list(looks)


@pytest.mark.parametrize(
    ("replicas", "words"),
    [
        ([replica("starting", "it loads")], "its replica r-1 is starting: it loads"),
        ([replica("ready")], "its replica is ready, but the gateway did not pass a request on within 0 s"),
        ([], "the site has started no replica of it within 0 s"),
        ([replica("ready", release="blake3:2")], "the site has started no replica of it within 0 s"),
    ],
)
def test_the_time_is_up(replicas: list[dict[str, Any]], words: str) -> None:
    """What does not answer in time is named with what is known of its replicas."""
    items = [item("fraud", *replicas), item("churn", replica("ready"))]
    assert {"fraud": words} == wait_until_all_answer(lambda: items, lambda name: name == "churn", print, 0.0)


def test_what_has_failed_is_not_waited_for() -> None:
    """A replica that died three times is told at once; one that died twice may still come up."""
    died = [item("fraud", replica("failed", "no module named x", 3))]
    told = {"fraud": "its replica r-1 is failed: no module named x"}
    assert told == wait_until_all_answer(lambda: died, lambda name: False, print, 1e9)
    looks = iter([[item("fraud", replica("failed", "no module named x", 2))], died])
    assert told == wait_until_all_answer(lambda: next(looks), lambda name: False, print, 1e9)


class Gateway(http.server.BaseHTTPRequestHandler):
    """Only `fraud` is ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/v2/models/fraud/ready" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_gateway_is_asked(gateway: http.server.ThreadingHTTPServer) -> None:
    """A service answers where the gateway passes its readiness on; where nobody listens nothing answers."""
    port = int(gateway.server_address[1])
    assert [True, False] == [service_answers(port, name) for name in ("fraud", "churn")]
    gateway.shutdown()
    gateway.server_close()
    assert not service_answers(port, "fraud")
