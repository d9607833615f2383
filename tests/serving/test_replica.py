"""A replica as a process: its socket, its limits, its end."""

import array
import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving.kit import DIGEST, ROWS, Site, a_replica, a_site, eventually, python_release, skops_release
from windlass.kernel.limits import REQUEST_BODY_BYTES_MAX

PREDICT, INFER = "/predict/clinic", "/v2/models/clinic/infer"

# Answers the ages; a city that is a path holds the prediction up until the file is there.
GATED = """
import os, time
class Model:
    def predict(self, rows):
        for city in rows["city"]:
            if city == "raise":
                raise ValueError("the words of the model")
            if city.startswith("/"):
                open(city + ".begun", "w").close()
                while not os.path.exists(city):
                    time.sleep(0.005)
        return rows["age"]
"""


def row(city: str = "Ulm", age: float = 1.5) -> dict[str, Any]:
    return {"age": age, "visits": 1, "city": city}


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """A release whose predictions wait for a file."""
    return python_release(tmp_path / "release", GATED)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A ready replica for the tests that leave it as it was."""
    with a_replica(python_release(tmp_path_factory.mktemp("shared") / "release", GATED)) as ready:
        yield ready


def raw(site: Site) -> socket.socket:
    """A bare connection to the replica."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(120)
    connection.connect(str(site.path))
    return connection


def head(length: str) -> bytes:
    return f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{length}\r\n\r\n".encode()


class Held:
    """A request under way, whose prediction waits until it is let go."""

    def __init__(self, site: Site, gate: Path, headers: dict[str, str] | None = None) -> None:
        self._gate = gate
        self._connection = http.client.HTTPConnection("replica")
        self._connection.sock = raw(site)
        headers = {"content-type": "application/json"} | (headers or {})
        self._connection.request("POST", PREDICT, json.dumps(row(str(gate))), headers)

    def wait_begun(self) -> "Held":
        eventually("the prediction has begun", self._gate.with_name(self._gate.name + ".begun").exists)
        return self

    def let_go(self) -> "Held":
        self._gate.touch()
        return self

    def answer(self) -> tuple[int, Any]:
        """Status and decoded body."""
        response = self._connection.getresponse()
        body = json.loads(response.read())
        self.close()
        return response.status, body

    def close(self) -> None:
        self._connection.close()


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
        held += [Held(site, tmp_path / "gate") for _ in range(64)]

        def refused() -> httpx2.Response | None:
            answer = client.post(PREDICT, json=row(), headers={"x-request-timeout": "50ms"})
            assert answer.status_code in (503, 504)
            return answer if answer.status_code == 503 else None

        answer = eventually("the queue is full", refused)
        assert ("1", "overloaded") == (answer.headers["retry-after"], answer.json()["title"])
        held[0].let_go()
        assert [200] * 64 == [one.answer()[0] for one in held[:64]]
        assert held[64].answer()[0] in (200, 503)


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


class Callers:
    """Threads that open a connection for each request until the block ends. A connection must never be refused; one
    that is cut off is a failure unless `may_be_cut`, because a killed process takes along what it had accepted."""

    def __init__(self, site: Site, count: int, may_be_cut: bool) -> None:
        self._site = site
        self._may_be_cut = may_be_cut
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._call_all) for _ in range(count)]
        self.answers: list[bytes] = []
        self.failures: list[Exception] = []

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _call_all(self) -> None:
        body = json.dumps(row()).encode()
        while not self._done.is_set() and not self.failures:
            try:
                with raw(self._site) as connection:
                    try:
                        connection.sendall(head(f"content-length: {len(body)}") + body)
                        self.answers.append(connection.recv(100).split(b"\r\n")[0])
                    except ConnectionError:
                        self.answers.append(b"")
            except Exception as error:
                self.failures.append(error)
            if not self._may_be_cut and self.answers[-1:] == [b""]:
                self.failures.append(AssertionError("a connection was cut off"))

    def wait_answers(self) -> None:
        """Wait until twenty more calls were answered."""
        count = self.answers.count(OK)
        eventually("calls are answered", lambda: self.failures or self.answers.count(OK) > count + 20)
        assert [] == self.failures


OK = b"HTTP/1.1 200 OK"


def test_a_successor_serves_the_same_socket(gated: Path) -> None:
    """While callers keep connecting, a killed replica and a stopped one are followed by others on the same socket, and
    no connection is refused."""
    with a_replica(gated) as site, Callers(site, 1, may_be_cut=True) as callers:
        for end in (signal.SIGKILL, signal.SIGTERM):
            site.processes[-1].send_signal(end)
            site.processes[-1].wait(60)
            site.wait_ready(site.start(gated))
            callers.wait_answers()
    assert {OK, b""} >= set(callers.answers)


def test_a_handover_loses_nothing(gated: Path) -> None:
    """While a successor serves the same socket already, the first replica is told to end: callers that open a
    connection for each request see no failure at all, and the successor's control socket stays."""
    with a_replica(gated) as site, Callers(site, 4, may_be_cut=False) as callers:
        for _ in range(3):
            first = site.processes[-1]
            site.wait_ready(site.start(gated))
            first.send_signal(signal.SIGTERM)
            assert 0 == first.wait(60)
            callers.wait_answers()
    assert {OK} == set(callers.answers)


def test_sigterm_does_not_wait_for_a_hung_model(gated: Path, tmp_path: Path) -> None:
    """A prediction that hangs holds the end up for the time limit, not for ever."""
    with a_replica(gated, "--timeout", "1") as site:
        held = Held(site, tmp_path / "gate").wait_begun()
        site.processes[0].send_signal(signal.SIGTERM)
        assert 0 == site.processes[0].wait(60)
        held.close()


def test_a_new_agent_gets_the_socket_back(gated: Path) -> None:
    """An agent that lost its sockets gets the listener from the replica, starts a second process on it, and connections
    made meanwhile are answered by it."""
    with a_replica(gated) as site:
        said, returned = eventually("it answers", site.ask)
        first = site.processes[0]
        assert {"pid": first.pid, "service": "clinic", "release": DIGEST, "ready": True} == said
        site.listener.close()  # the agent that made the socket is gone
        with returned:
            first.send_signal(signal.SIGKILL)
            first.wait(60)
            with raw(site) as waiting:
                body = json.dumps(row(age=7.5)).encode()
                waiting.sendall(head(f"content-length: {len(body)}") + body)
                site.wait_ready(site.start(gated, listener=returned))
                assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def test_control_answers_while_the_model_loads(tmp_path: Path) -> None:
    """The control socket says `ready: false` while a model loads, and requests made then are answered afterwards."""
    gate = tmp_path / "loaded"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}):\n    time.sleep(0.005)\n" + GATED
    release = python_release(tmp_path / "release", code)
    with a_site() as site:
        process = site.start(release)
        asked = eventually("it answers before it is ready", site.ask)
        asked[1].close()
        assert (False, process.pid) == (asked[0]["ready"], asked[0]["pid"])
        with raw(site) as early:
            body = json.dumps(row()).encode()
            early.sendall(head(f"content-length: {len(body)}") + body)
            gate.touch()
            assert early.recv(100).startswith(b"HTTP/1.1 200")
        assert site.wait_ready(process)["ready"]


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


def test_descriptors_do_not_leak_into_the_model(tmp_path: Path) -> None:
    """A process that the model's code starts inherits neither the listener nor the control socket."""
    code = "import subprocess, sys\nclass Model:\n    def predict(self, rows):\n"
    code += "        code = 'import os; print(len([n for n in os.listdir(\"/proc/self/fd\")]))'\n"
    code += "        found = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)\n"
    code += "        return [float(found.stdout)] * len(rows['age'])\n"
    with a_replica(python_release(tmp_path / "r", code)) as site, site.client() as client:
        assert [4.0] == client.post(PREDICT, json=row()).json()["predictions"]  # three standard ones and the folder


def test_the_line_and_the_socket_come_in_one_message(site: Site) -> None:
    """Whoever connects gets the line with the descriptor attached, however often it asks, and then the end."""
    for _ in range(3):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(site.control))
            space = socket.CMSG_SPACE(array.array("i").itemsize)
            line, ancillary, _, _ = connection.recvmsg(4096, space)
            assert (True, 1) == (line.endswith(b"\n"), len(ancillary))
            socket.close(int.from_bytes(ancillary[0][2][:4], "little"))
            assert b"" == connection.recv(1)
    assert 0o600 == site.control.stat().st_mode & 0o777
