"""The listening socket outlives the process: successors, new agents, and who may hold it."""

import array
import json
import signal
import socket
from pathlib import Path

import pytest

from tests.serving.calls import GATED, OK, PREDICT, Callers, head, raw, row
from tests.serving.kit import DIGEST, a_replica, a_site, eventually, python_release


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """A release whose predictions wait for a file."""
    return python_release(tmp_path / "release", GATED)


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


def test_descriptors_do_not_leak_into_the_model(tmp_path: Path) -> None:
    """A process that the model's code starts inherits neither the listener nor the control socket."""
    code = "import subprocess, sys\nclass Model:\n    def predict(self, rows):\n"
    code += "        code = 'import os; print(len([n for n in os.listdir(\"/proc/self/fd\")]))'\n"
    code += "        found = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)\n"
    code += "        return [float(found.stdout)] * len(rows['age'])\n"
    with a_replica(python_release(tmp_path / "r", code)) as site, site.client() as client:
        assert [4.0] == client.post(PREDICT, json=row()).json()["predictions"]  # three standard ones and the folder


def test_the_line_and_the_socket_come_in_one_message(gated: Path) -> None:
    """Whoever connects gets the line with the descriptor attached, however often it asks, and then the end."""
    with a_replica(gated) as site:
        for _ in range(3):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(str(site.control))
                space = socket.CMSG_SPACE(array.array("i").itemsize)
                line, ancillary, _, _ = connection.recvmsg(4096, space)
                assert (True, 1) == (line.endswith(b"\n"), len(ancillary))
                socket.close(int.from_bytes(ancillary[0][2][:4], "little"))
                assert b"" == connection.recv(1)
        assert 0o600 == site.control.stat().st_mode & 0o777
