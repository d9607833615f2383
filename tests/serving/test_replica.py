"""A replica as a process: its socket, its limits, its end."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.serving.calls import GATED, PREDICT, Held, head, raw, row
from tests.serving.kit import ROWS, Site, a_replica, a_site, eventually, python_release, skops_release
from windlass.kernel.limits import REQUEST_BODY_BYTES_MAX
from windlass.serving.server import PLACES

INFER = "/v2/models/clinic/infer"


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """A release whose predictions wait for a file."""
    return python_release(tmp_path / "release", GATED)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A ready replica for the tests that leave it as it was."""
    with a_replica(python_release(tmp_path_factory.mktemp("shared") / "release", GATED)) as ready:
        yield ready


def test_a_replica_answers_over_its_inherited_socket(tmp_path: Path) -> None:
    """A replica serves plain calls, Open Inference and metadata over a socket that it did not make."""
    with a_replica(skops_release(tmp_path / "r")) as site, site.client() as client:
        answer = client.post(PREDICT, json=ROWS[:2], headers={"X-Request-ID": "mine"})
        assert (200, "mine", "mine") == (
            answer.status_code,
            answer.headers["x-request-id"],
            answer.json()["request_id"],
        )
        assert 2 == len(answer.json()["predictions"])
        names = [spec["name"] for spec in client.get("/v2/models/clinic").json()["inputs"]]
        inputs = [
            {"name": name, "datatype": kind, "shape": [1], "data": [ROWS[0][name]]}
            for name, kind in zip(names, ["FP64", "INT64", "BYTES"], strict=True)
        ]
        outputs = client.post(INFER, json={"inputs": inputs}).json()["outputs"]
        assert answer.json()["predictions"][0] == outputs[0]["data"][0]
        assert answer.json()["probabilities"][0] == outputs[1]["data"]


@pytest.mark.parametrize("given", ["", "a b", "ä", "x" * 129])
def test_an_odd_request_id_is_replaced(site: Site, given: str) -> None:
    """A request id that is no visible ASCII of 1 to 128 characters is replaced, and echoed on errors too."""
    with site.client() as client:
        answer = client.get("/nowhere", headers=[(b"x-request-id", given.encode())])
        assert (404, 36) == (answer.status_code, len(answer.headers["x-request-id"]))
        assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_methods_and_media_types(site: Site) -> None:
    """Over the wire, too, another method is a 405 with Allow, and a pickle in the body is a 415."""
    with site.client() as client:
        answer = client.delete(PREDICT)
        assert (405, "POST", "application/problem+json") == (
            answer.status_code,
            answer.headers["allow"],
            answer.headers["content-type"],
        )
        assert 405 == client.head("/healthz").status_code
        answer = client.post(PREDICT, content=b"\x80\x04.", headers={"content-type": "application/x-pickle"})
        assert 415 == answer.status_code


def test_a_raising_model_answers_500_and_serves_on(site: Site) -> None:
    """A model's error is a 500 with the request id; its traceback is in the log alone; the next call is served."""
    with site.client() as client:
        answer = client.post(PREDICT, json=row("raise"), headers={"x-request-id": "req-42"})
        assert (500, "req-42") == (answer.status_code, answer.json()["request_id"])
        assert "the words of the model" not in answer.text
        assert 200 == client.post(PREDICT, json=row()).status_code
        log = site.log()
        assert "req-42" in log
        assert "Traceback" in log
        assert "the words of the model" in log


def test_deadlines(site: Site, tmp_path: Path) -> None:
    """A caller's time limit ends in a 504 by header or by v2's parameter, while the model is still busy."""
    with site.client() as client:
        held = Held(site, tmp_path / "gate", {"x-request-timeout": "200ms"}).wait_begun()
        answer = client.post(PREDICT, json=row(), headers={"x-request-timeout": "100ms"})
        assert (504, "timeout") == (answer.status_code, answer.json()["title"])
        assert 400 == client.post(PREDICT, json=row(), headers={"x-request-timeout": "soon"}).status_code
        assert 504 == held.answer()[0]
        held.let_go()
        columns = [("age", "FP64", 1), ("visits", "INT64", 1), ("city", "BYTES", str(tmp_path / "gate2"))]
        inputs = [{"name": name, "datatype": kind, "shape": [1], "data": [value]} for name, kind, value in columns]
        body = {"inputs": inputs, "parameters": {"timeout": 100_000}}
        assert 504 == client.post(INFER, json=body).status_code
        (tmp_path / "gate2").touch()


def test_the_services_own_time_limit(gated: Path, tmp_path: Path) -> None:
    """Without a header the service's time limit holds, and a prediction that hangs for long makes the replica sick."""
    with a_replica(gated, "--timeout", "0.1") as site, site.client() as client:
        held = Held(site, tmp_path / "gate").wait_begun()
        assert 504 == client.post(PREDICT, json=row()).status_code
        eventually("a hung replica says so", lambda: client.get("/v2/health/live").status_code == 503)
        assert 504 == held.answer()[0]
        held.let_go()
        eventually("a working replica says so", lambda: client.get("/v2/health/live").status_code == 200)


def test_overload_is_refused_at_once(gated: Path, tmp_path: Path) -> None:
    """When the queue is full a request is told to come back in whole seconds, and those that wait are answered."""
    with a_replica(gated, "--timeout", "100") as site, site.client() as client:
        held = [Held(site, tmp_path / "gate").wait_begun()]
        held += [Held(site, tmp_path / "gate") for _ in range(PLACES)]

        def refused() -> httpx2.Response | None:
            answer = client.post(PREDICT, json=row(), headers={"x-request-timeout": "50ms"})
            assert answer.status_code in (503, 504)
            return answer if answer.status_code == 503 else None

        answer = eventually("the queue is full", refused)
        assert ("1", "overloaded") == (answer.headers["retry-after"], answer.json()["title"])
        held[0].let_go()
        assert [200] * PLACES == [one.answer()[0] for one in held[:PLACES]]
        assert held[PLACES].answer()[0] in (200, 503)


def test_health_is_answered_while_the_model_works(site: Site, tmp_path: Path) -> None:
    """A long prediction does not keep health calls waiting."""
    with site.client() as client:
        held = Held(site, tmp_path / "gate").wait_begun()
        assert {"ready": True, "live": True} == client.get("/v2/health/ready").json()
        assert 200 == held.let_go().answer()[0]


def test_large_bodies_are_refused(site: Site) -> None:
    """A body over 64 MiB is a 413: by its announced length before a byte is read, or when chunks reach the limit."""
    with site.client() as client:
        with raw(site) as connection:
            connection.sendall(head(f"content-length: {REQUEST_BODY_BYTES_MAX + 1}"))
            assert connection.recv(100).startswith(b"HTTP/1.1 413")

        def chunks() -> Iterator[bytes]:
            for _ in range((REQUEST_BODY_BYTES_MAX >> 20) + 1):
                yield b" " * (1 << 20)

        with raw(site) as connection:
            connection.sendall(head("transfer-encoding: chunked"))
            try:
                for chunk in chunks():
                    connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered and closed before everything was sent
            assert connection.recv(100).startswith(b"HTTP/1.1 413")
        assert 200 == client.post(PREDICT, json=row()).status_code


def test_slow_bodies_are_refused(gated: Path) -> None:
    """A body that does not arrive is a 408 and the connection is closed; others are served meanwhile."""
    with a_replica(gated, "--timeout", "0.3") as site, site.client() as client, raw(site) as connection:
        connection.sendall(head("content-length: 100") + b'{"age"')
        assert 200 == client.get("/healthz").status_code
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
        assert answer.startswith(b"HTTP/1.1 408")


def test_a_caller_that_leaves_harms_nobody(site: Site) -> None:
    """Half a request and a closed connection leave the replica serving."""
    with site.client() as client:
        for part in (b"", b"POST", head("content-length: 50") + b"{"):
            with raw(site) as connection:
                connection.sendall(part)
        assert 200 == client.post(PREDICT, json=row()).status_code


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"POST /predict/clinic HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"\x00" * 64,
    ],
)
def test_what_is_no_http_is_refused(site: Site, bytes_sent: bytes) -> None:
    """Bytes that are no HTTP get a 400 or a closed connection, and the replica serves on."""
    with site.client() as client:
        with raw(site) as connection:
            connection.sendall(bytes_sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(100)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        assert 200 == client.post(PREDICT, json=row()).status_code


def test_sigterm_lets_running_requests_end(gated: Path, tmp_path: Path) -> None:
    """SIGTERM ends the replica with 0 after the request at work is answered, and takes the control socket away."""
    with a_replica(gated) as site:
        held = Held(site, tmp_path / "gate").wait_begun()
        site.processes[0].send_signal(signal.SIGTERM)
        eventually("it is shutting down", lambda: "Shutting down" in site.log())
        status, answer = held.let_go().answer()
        assert (200, [1.5]) == (status, answer["predictions"])
        assert 0 == site.processes[0].wait(60)
        assert not site.control.exists()
        assert site.path.exists()


def test_sigterm_does_not_wait_for_a_hung_model(gated: Path, tmp_path: Path) -> None:
    """A prediction that hangs holds the end up for the time limit, not for ever."""
    with a_replica(gated, "--timeout", "1") as site:
        held = Held(site, tmp_path / "gate").wait_begun()
        site.processes[0].send_signal(signal.SIGTERM)
        assert 0 == site.processes[0].wait(60)
        held.close()


def test_sigterm_while_loading_ends_it(tmp_path: Path) -> None:
    """A replica that still loads ends at once when it is told to."""
    release = python_release(tmp_path / "release", "import time\nwhile True:\n    time.sleep(0.01)\n")
    with a_site() as site:
        process = site.start(release)
        eventually("it loads", site.ask)[1].close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1 / 0", "loading the model raised ZeroDivisionError: division by zero"),
        ("import no_such_module_here", "loading the model needs no_such_module_here"),
        ("class Other: pass", "module service has no Model"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_with_3(tmp_path: Path, code: str, words: str) -> None:
    """A replica whose model does not load exits 3, and the last line it wrote says why."""
    with a_site() as site:
        assert 3 == site.start(python_release(tmp_path / "release", code)).wait(60)
        assert words in site.log().splitlines()[-1]
        assert not site.control.exists()


def test_a_folder_that_is_no_release_ends_with_3(tmp_path: Path) -> None:
    """A folder without run.json is no release."""
    with a_site() as site:
        assert 3 == site.start(tmp_path).wait(60)
        assert "no readable run.json" in site.log().splitlines()[-1]
