"""A repository behind a real SSH server: only a server that known_hosts names is read, with a key that it accepts."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.git_scenes import LocalScene

pytestmark = pytest.mark.machine

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/mine.pub
StrictModes no
UsePAM no
PermitRootLogin yes
"""


@dataclass
class Server:
    """An SSH server of this account, a repository on it, and an account's home that knows nobody yet."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        user = pwd.getpwuid(os.getuid()).pw_name
        return f"ssh://{user}@127.0.0.1:{self.port}{self.folder}/models.git"

    def trust(self, key: str) -> None:
        """From now on known_hosts says that the server has this key."""
        kind, text = (self.folder / f"{key}.pub").read_text().split()[:2]
        known = self.folder / "home" / ".ssh" / "known_hosts"
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    def seen(self, key: str) -> dict[str, Any]:
        """What Windlass reads there with a key."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WINDLASS_", "SSH_"))}
        secrets = {"HOME": str(self.folder / "home"), "WINDLASS_GIT_KEY": str(self.folder / key)}
        script = [sys.executable, "-m", "tests.adapters.git.client", str(self.folder / "mirrors"), self.url, "train.py"]
        done = subprocess.run(
            script, cwd=ROOT, env=kept | secrets, capture_output=True, text=True, check=False, timeout=120
        )
        assert 0 == done.returncode, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def tool(name: str) -> str:
    """The path of a program, or a failure that says which package has it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, f"{name} is not installed: run `make test-machine` as root on Debian, or install openssh-server"
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    for key in ("host", "mine", "other"):
        subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        found = Server(tmp_path, free.getsockname()[1])
    (tmp_path / "sshd.conf").write_text(CONFIG.format(port=found.port, folder=tmp_path))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd shuts its children in
    scene = LocalScene(tmp_path / "models.git")
    scene.commit("main", {"train.py": b"one"}, "one")
    command = [tool("sshd"), "-D", "-f", str(tmp_path / "sshd.conf"), "-E", str(tmp_path / "sshd.log")]
    process = subprocess.Popen(command)
    try:
        _wait(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", server.port)) == 0:
                return
    raise AssertionError((server.folder / "sshd.log").read_text())


def test_only_a_known_server_is_read(server: Server) -> None:
    """A server that known_hosts does not name, or names with another key, is refused before any secret is used."""
    for trusted in ("", "other"):
        if trusted:
            server.trust(trusted)
        answer = server.seen("mine")
        assert ("UserMistake", "git-host-key") == (answer["kind"], answer["code"])
        assert "add it to ~/.ssh/known_hosts" in answer["words"]
    assert "Accepted" not in (server.folder / "sshd.log").read_text()
    server.trust("host")
    answer = server.seen("mine")
    assert ("main", "one") == (answer.get("branch"), answer.get("text")), answer


def test_a_key_that_is_not_accepted_is_told(server: Server) -> None:
    """A key that the server does not know, and a key file that is none, are a person's turn."""
    server.trust("host")
    answer = server.seen("other")
    assert ("UserMistake", "git-credentials") == (answer["kind"], answer["code"])
    answer = server.seen("nothing")
    assert ("UserMistake", "git-key") == (answer["kind"], answer["code"])
    assert "the key that WINDLASS_GIT_KEY names cannot be used" in answer["words"]
