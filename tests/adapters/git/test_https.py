"""Remote repositories over HTTPS: a real server with a certificate and a token of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.git.servers import served
from tests.conformance.git_scenes import LocalScene

ROOT = Path(__file__).parents[3]
TOKEN = "s3cret-t0ken"


def seen(mirrors: Path, repository: str, *, trust: Path | None = None, token: str = "") -> dict[str, Any]:
    """What Windlass reads there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WINDLASS_", "SSL_"))}
    trusted = {"SSL_CERT_FILE": str(trust)} if trust else {}
    secret = {"WINDLASS_GIT_TOKEN": token} if token else {}
    script = [sys.executable, "-m", "tests.adapters.git.client", str(mirrors), repository, "train.py"]
    environment = {**kept, **trusted, **secret}
    done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert 0 == done.returncode, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def scene(tmp_path: Path) -> LocalScene:
    found = LocalScene(tmp_path / "models.git")
    found.commit("main", {"train.py": b"one"}, "one")
    return found


def test_commits_come_over_https(scene: LocalScene, tmp_path: Path) -> None:
    """A server whose certificate is trusted by SSL_CERT_FILE is read with its token, and again only when it moved."""
    with served(scene.repo, tmp_path, TOKEN) as (server, url, certificate):
        first = seen(tmp_path / "mirrors", url, trust=certificate, token=TOKEN)
        assert ("main", "one") == (first["branch"], first["text"])
        assert first == seen(tmp_path / "mirrors", url, trust=certificate, token=TOKEN)
        assert 1 == server.fetches
        moved = scene.commit("main", {"train.py": b"two"}, "two")
        second = seen(tmp_path / "mirrors", url, trust=certificate, token=TOKEN)
        assert (moved, "two", 2) == (second["commit"], second["text"], server.fetches)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_wrong_credentials_say_what_to_set(scene: LocalScene, tmp_path: Path, token: str) -> None:
    """A server that wants another token, or any, is a person's turn, and is asked once."""
    with served(scene.repo, tmp_path, TOKEN) as (_, url, certificate):
        answer = seen(tmp_path / "mirrors", url, trust=certificate, token=token)
    assert ("UserMistake", "git-credentials") == (answer["kind"], answer["code"])
    assert f"{url}: the server wants credentials that it accepts; set WINDLASS_GIT_TOKEN for https" in answer["words"]


def test_a_certificate_of_nobody_is_refused(scene: LocalScene, tmp_path: Path) -> None:
    """A server that nobody vouches for is not read, and the token does not reach it."""
    with served(scene.repo, tmp_path, TOKEN) as (server, url, _):
        answer = seen(tmp_path / "mirrors", url, token=TOKEN)
        assert 0 == server.fetches
    assert ("UserMistake", "git-certificate") == (answer["kind"], answer["code"])
    assert "name it in SSL_CERT_FILE" in answer["words"]


def test_what_is_not_there_is_named(scene: LocalScene, tmp_path: Path) -> None:
    """A wrong path is a person's turn; a server that is away is tried again."""
    with served(scene.repo, tmp_path) as (_, url, certificate):
        wrong = seen(tmp_path / "mirrors", url.replace("models", "nothing"), trust=certificate)
    assert ("UserMistake", "git-missing") == (wrong["kind"], wrong["code"])
    away = seen(tmp_path / "mirrors", url)
    assert ("Unavailable", "git-unreachable") == (away["kind"], away["code"])
    assert url in away["words"] and "it is tried again" in away["words"]


def test_ssh_that_nobody_answers_is_tried_again(tmp_path: Path) -> None:
    """An SSH server that is away is named with the user, and is no mistake."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    answer = seen(tmp_path / "mirrors", f"ssh://git@127.0.0.1:{port}/models.git")
    assert ("Unavailable", "git-unreachable") == (answer["kind"], answer["code"])
    assert f"ssh://git@127.0.0.1:{port}/models.git: the repository cannot be read now" in answer["words"]
