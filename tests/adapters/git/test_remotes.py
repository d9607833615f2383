"""Remote repositories: what is fetched, what is asked for, and what is never said."""

import asyncio
import base64
import shutil
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pygit2
import pytest
from pygit2.enums import CredentialType

from tests.conformance.git_scenes import RemoteScene
from windlass.adapters.git import GitSecrets, PygitRepositories, secrets_of
from windlass.adapters.git import mirrors as mirrors_module
from windlass.adapters.git.addresses import Address, address_of
from windlass.adapters.git.mirrors import FETCH_SECONDS_MAX, RemoteAnswers
from windlass.adapters.world import RealDisk
from windlass.kernel.errors import Unavailable, UserMistake

ResultT = TypeVar("ResultT")
TOKEN = "s3cret-t0ken"


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of a verb."""
    return asyncio.run(work)


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    """Where mirrors lie."""
    return tmp_path / "mirrors"


@pytest.fixture
def scene(tmp_path: Path) -> RemoteScene:
    """An empty remote repository."""
    return RemoteScene(tmp_path / "repo.git")


def test_a_poll_of_a_settled_remote_fetches_nothing(mirrors: Path, scene: RemoteScene) -> None:
    """Nothing below the mirrors changes until the branch moves."""
    git = PygitRepositories(str(mirrors))
    scene.commit("main", {"a": b"1"}, "one")
    run(git.head(scene.repository, "main"))

    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in mirrors.rglob("*"))

    before = state()
    run(git.head(scene.repository, "main"))
    assert state() == before
    moved = scene.commit("main", {"a": b"2"}, "two")
    assert run(git.head(scene.repository, "main")).commit == moved
    assert state() != before


def test_offline_nothing_is_asked_of_a_server(
    mirrors: Path, scene: RemoteScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With WINDLASS_OFFLINE a poll says why it sees nothing newer; what was fetched before is read."""
    git, url = PygitRepositories(str(mirrors)), "https://git.example.org/team/models.git"
    commit = scene.commit("main", {"a": b"1"}, "one")
    run(git.head(scene.repository, "main"))
    (mirror,) = mirrors.iterdir()
    shutil.copytree(mirror, mirrors / mirrors_module.mirror_name(url))
    monkeypatch.setenv("WINDLASS_OFFLINE", "1")
    for wanted in (git.head(url, "main"), git.default_branch(url), git.tree(url, "0" * 40)):
        with pytest.raises(Unavailable, match="WINDLASS_OFFLINE is set, so nothing is fetched") as told:
            run(wanted)
        assert ("offline", url) == (told.value.code, told.value.where)
    assert b"1" == run(git.read(url, commit, "a"))
    assert commit == run(git.head(scene.repository, "main")).commit


def test_a_lost_mirror_comes_back(mirrors: Path, scene: RemoteScene) -> None:
    """A mirror that was removed or damaged is made anew when something of it is needed."""
    commit = scene.commit("main", {"a": b"1"}, "one")
    git = PygitRepositories(str(mirrors))
    run(git.head(scene.repository, "main"))
    (mirror,) = mirrors.iterdir()
    shutil.rmtree(mirror)
    assert run(git.read(scene.repository, commit, "a")) == b"1"
    (mirror / "HEAD").unlink()
    assert run(git.head(scene.repository, "main")).commit == commit
    assert run(PygitRepositories(str(mirrors)).read(scene.repository, commit, "a")) == b"1"


def test_a_branch_may_take_the_place_of_a_folder_of_branches(mirrors: Path, scene: RemoteScene) -> None:
    """A deleted branch called a does not stand in the way of one called a/b."""
    git = PygitRepositories(str(mirrors))
    scene.commit("a", {"x": b"1"}, "one")
    run(git.head(scene.repository, "a"))
    scene.drop("a")
    commit = scene.commit("a/b", {"x": b"2"}, "two")
    assert run(git.head(scene.repository, "a/b")).commit == commit


def test_a_remote_that_is_gone_leaves_what_was_read(mirrors: Path, scene: RemoteScene) -> None:
    """Without the remote, polls say so, and commits that were fetched stay readable."""
    git = PygitRepositories(str(mirrors))
    commit = scene.commit("main", {"a": b"1"}, "one")
    run(git.head(scene.repository, "main"))
    shutil.rmtree(scene.path)
    with pytest.raises(UserMistake, match="no Git repository"):
        run(git.head(scene.repository, "main"))
    assert run(git.read(scene.repository, commit, "a")) == b"1"


def test_a_server_that_does_not_answer_is_unavailable(mirrors: Path) -> None:
    """Nobody listens: the message says so, and that it is tried again."""
    git = PygitRepositories(str(mirrors))
    with socket_nobody_listens_on() as port:
        for url in (f"http://127.0.0.1:{port}/repo", f"ssh://git@127.0.0.1:{port}/repo"):
            with pytest.raises(Unavailable, match="tried again") as caught:
                run(git.head(url, "main"))
            assert caught.value.where == url


@contextmanager
def socket_nobody_listens_on() -> Iterator[int]:
    """A port that is taken and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_remotes_that_hang_hold_up_nobody(
    mirrors: Path, scene: RemoteScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While many polls wait for a server that accepts and says nothing, files are still read; then each gives up."""
    monkeypatch.setattr(mirrors_module, "SILENCE_MS_MAX", 2000)
    (tmp_path / "file").write_bytes(b"here")

    async def wait_beside(url: str) -> list[object]:
        git = PygitRepositories(str(mirrors))
        polls = [asyncio.ensure_future(git.head(f"{url}/{number}", "main")) for number in range(8)]
        assert await RealDisk().read(str(tmp_path / "file")) == b"here"
        assert not any(poll.done() for poll in polls)
        return await asyncio.gather(*polls, return_exceptions=True)

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        ended = run(wait_beside(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert [type(error) for error in ended] == [Unavailable] * 8


class _Refusing(BaseHTTPRequestHandler):
    """Wants credentials and accepts none; or leads elsewhere."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.headers.get("Authorization"), self.path))
        if server.redirect:
            self.send_response(302)
            self.send_header("Location", f"{server.redirect}/repo/info/refs?service=git-upload-pack")
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def refusing(redirect: str = "") -> Iterator[tuple[str, list[tuple[str | None, str]]]]:
    """A server's URL, and what it was asked so far."""
    server: Any = HTTPServer(("127.0.0.1", 0), _Refusing)
    server.asked, server.redirect = [], redirect
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_token_is_offered_once_and_never_told(mirrors: Path) -> None:
    """A server that refuses the token gets it once; no message, name or file holds it."""
    git = PygitRepositories(str(mirrors), GitSecrets(token=TOKEN))
    with refusing() as (url, asked), pytest.raises(UserMistake, match="WINDLASS_GIT_TOKEN") as caught:
        run(git.head(f"{url}/repo", "main"))
    expected = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert [header for header, _ in asked if header] == [expected]
    told = [repr(caught.value), str(caught.value), repr(GitSecrets(token=TOKEN)), repr(caught.value.__cause__)]
    told += [path.read_text("latin-1") for path in mirrors.rglob("*") if path.is_file()]
    assert not any(TOKEN in text for text in told)


def test_a_token_goes_to_its_own_host_only(mirrors: Path) -> None:
    """A server that leads to another one does not get the token for it."""
    with refusing() as (other, asked_there), refusing(other.replace("127.0.0.1", "localhost")) as (url, _):
        git = PygitRepositories(str(mirrors), GitSecrets(token=TOKEN))
        with pytest.raises((UserMistake, Unavailable)):
            run(git.head(f"{url}/repo", "main"))
    assert asked_there
    assert not any(header for header, _ in asked_there)


def test_ssh_is_answered_by_key_then_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name first, then the key file, then the agent, each once; then the person hears of it."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    answers = RemoteAnswers(address_of("git@host:models"), GitSecrets(key_file="/keys/id"))
    ssh = CredentialType.SSH_KEY | CredentialType.SSH_CUSTOM
    url = "ssh://git@host/models"
    assert isinstance(answers.credentials(url, None, CredentialType.USERNAME), pygit2.Username)
    found = [answers.credentials(url, "git", ssh) for _ in range(2)]
    assert [type(answer) for answer in found] == [pygit2.Keypair, pygit2.KeypairFromAgent]
    with pytest.raises(UserMistake, match="SSH agent"):
        answers.credentials(url, "git", ssh)
    monkeypatch.delenv("SSH_AUTH_SOCK")
    without = RemoteAnswers(address_of("git@host:models"), GitSecrets(token=TOKEN))
    with pytest.raises(UserMistake):
        without.credentials(url, "git", ssh)


@pytest.mark.parametrize("valid", [True, False])
def test_a_server_is_let_through_as_the_library_judged(valid: bool) -> None:
    """What TLS or known_hosts say about a server stands; it is never let through in spite of them."""
    answers = RemoteAnswers(address_of("git@host:models"), GitSecrets())
    assert valid is answers.certificate_check(None, valid, b"host")


def test_a_fetch_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote that only drips is left after an hour."""
    answers = RemoteAnswers(address_of("https://host/models"), GitSecrets())
    answers.transfer_progress(None)
    late = time.monotonic() + FETCH_SECONDS_MAX + 1
    monkeypatch.setattr(time, "monotonic", lambda: late)
    with pytest.raises(Unavailable, match="after 60 min"):
        answers.transfer_progress(None)


def test_without_secrets_the_person_hears_where_they_go(mirrors: Path) -> None:
    """A private repository names the variables that open it."""
    with refusing() as (url, asked), pytest.raises(UserMistake, match="WINDLASS_GIT_KEY"):
        run(PygitRepositories(str(mirrors)).default_branch(f"{url}/repo"))
    assert not any(header for header, _ in asked)


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("https://host/team/models.git", "https://host/team/models.git"),
        ("ssh://git@host:2222/models", "ssh://git@host:2222/models"),
        ("git@host:team/models.git", "ssh://git@host/team/models.git"),
        ("host:models", "ssh://git@host/models"),
        ("file:///srv/models", "file:///srv/models"),
        ("http://localhost:3000/models", "http://localhost:3000/models"),
    ],
)
def test_urls_are_understood(repository: str, url: str) -> None:
    """Each way that Git itself writes a remote names one."""
    assert address_of(repository).url == url


def test_paths_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is local, also one that looks like a host, if it is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").mkdir()
    assert address_of("a:b") == Address(path=str(tmp_path / "a:b"))
    assert address_of("models") == Address(path=str(tmp_path / "models"))
    assert address_of("/srv/models") == Address(path="/srv/models")


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("http://host/models", "use https"),
        ("git://host/models", "not read over git"),
        ("ext::sh -c id://x", "not read over"),
        ("ftp://host/models", "not read over ftp"),
        ("https://[host/models", "not a URL"),
    ],
)
def test_unsafe_addresses_are_refused(repository: str, words: str) -> None:
    """What is sent in the clear, runs programs or is no URL is named, with what to write instead."""
    with pytest.raises(UserMistake, match=words):
        address_of(repository)


@pytest.mark.parametrize(
    "repository", [f"https://{TOKEN}@host/r", f"https://me:{TOKEN}@host/r", f"ssh://me:{TOKEN}@host/r"]
)
def test_credentials_in_a_url_are_refused_unrepeated(repository: str) -> None:
    """A token in a URL ends up in logs; so it is refused, and the refusal does not say it."""
    with pytest.raises(UserMistake, match="holds credentials") as caught:
        address_of(repository)
    assert TOKEN not in str(caught.value)
    assert caught.value.where.endswith("://host/r")


def test_secrets_come_from_the_environment() -> None:
    """Two variables hold them; without them there are none."""
    assert secrets_of({"WINDLASS_GIT_TOKEN": "t", "WINDLASS_GIT_KEY": "/k"}) == GitSecrets("t", "/k")
    assert secrets_of({}) == GitSecrets()
