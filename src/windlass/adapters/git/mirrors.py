"""Bare mirrors of remote repositories. A fetch changes nothing that was read before: old commits stay readable.

A poll asks for the branch heads alone, and fetches only when the branch moved.
"""

import os
import shutil
import time
from collections.abc import Mapping
from typing import Any, Literal

import pygit2
from pygit2.enums import CredentialType

from windlass.adapters.git.addresses import Address, GitSecrets, address_of
from windlass.adapters.world.offline import is_offline
from windlass.kernel.digests import digest_of, hex_of
from windlass.kernel.errors import Unavailable, UserMistake, clip

FETCH_SECONDS_MAX = 3600.0  # a first clone of a large history takes minutes; an hour is a remote that only drips
CONNECT_MS_MAX = 10_000
SILENCE_MS_MAX = 60_000


def mirror_name(repository: str) -> str:
    """What the mirror of a repository is called; empty for one that needs none, or that no address means."""
    try:
        address = address_of(repository)
    except UserMistake:
        return ""
    return _name(address) if address.url else ""


def _name(address: Address) -> str:
    return f"{hex_of(digest_of(address.url.encode()))[:32]}.git"


class Mirror:
    """The local copy of one remote repository, made when it is first needed."""

    def __init__(self, folder: str, address: Address, secrets: GitSecrets) -> None:
        self._path = os.path.join(folder, _name(address))
        self._address = address
        self._secrets = secrets

    def present(self) -> pygit2.Repository | None:
        """The mirror, where there is a whole one."""
        try:
            return pygit2.Repository(self._path)
        except pygit2.GitError:
            return None

    def open(self) -> pygit2.Repository:
        """The mirror as it is; a half-made one is made anew."""
        repo = self.present()
        if repo is not None:
            return repo
        if os.path.isdir(self._path):
            shutil.rmtree(self._path)
        return pygit2.init_repository(self._path, bare=True)

    def heads(self) -> Mapping[str, tuple[str, str]]:
        """Every reference of the remote with what it points at: an object's name, and the reference it stands for."""
        remote = self._remote(self.open())
        found = remote.list_heads(callbacks=self._callbacks(), proxy=self._proxy)
        return {head.name or "": (str(head.oid), head.symref_target or "") for head in found}

    def fetch(self, heads: Mapping[str, tuple[str, str]], branches: tuple[str, ...]) -> pygit2.Repository:
        """Bring some of the remote's branches here, and drop the names of branches that are gone."""
        repo = self.open()
        for name in repo.listall_references():
            if name not in heads:  # a branch called a stands in the way of one called a/b
                repo.references.delete(name)
        specs = [f"+refs/heads/{branch}:refs/heads/{branch}" for branch in branches]
        self._remote(repo).fetch(specs, callbacks=self._callbacks(), proxy=self._proxy)
        return self.open()

    @property
    def _proxy(self) -> Literal[True] | None:
        return None if self._address.is_loopback else True

    def _remote(self, repo: pygit2.Repository) -> pygit2.Remote:
        if is_offline() and self._address.host and not self._address.is_loopback:
            words = "WINDLASS_OFFLINE is set, so nothing is fetched and no newer commit is seen"
            remedy = "unset it where `windlass up` runs, or watch a clone on this machine"
            raise Unavailable(words, code="offline", where=clip(self._address.url), remedy=remedy)
        pygit2.settings.server_connect_timeout = CONNECT_MS_MAX
        pygit2.settings.server_timeout = SILENCE_MS_MAX
        return repo.remotes.create_anonymous(self._address.url)

    def _callbacks(self) -> "RemoteAnswers":
        return RemoteAnswers(self._address, self._secrets)


class RemoteAnswers(pygit2.RemoteCallbacks):
    """Answers the remote's questions once: a server that asks again did not accept the answer."""

    def __init__(self, address: Address, secrets: GitSecrets) -> None:
        super().__init__()
        self._address = address
        self._secrets = secrets
        self._offered: set[str] = set()
        self._ends = time.monotonic() + FETCH_SECONDS_MAX

    def credentials(self, url: str, username_from_url: str | None, allowed_types: CredentialType) -> Any:
        """The next credentials that fit and were not offered yet.

        Raises:
            UserMistake: there are none.
        """
        user = username_from_url or "git"
        if allowed_types & CredentialType.USERNAME and self._is_new("name"):
            return pygit2.Username(user)
        if allowed_types & CredentialType.SSH_KEY:
            if self._secrets.key_file and self._is_new("key"):
                return pygit2.Keypair(user, None, self._secrets.key_file, "")
            if "SSH_AUTH_SOCK" in os.environ and self._is_new("agent"):
                return pygit2.KeypairFromAgent(user)
        wants_token = allowed_types & CredentialType.USERPASS_PLAINTEXT and self._secrets.token
        if wants_token and self._is_ours(url) and self._is_new("token"):
            return pygit2.UserPass("x-access-token", self._secrets.token)
        raise UserMistake(
            "the server wants credentials that it accepts",
            code="git-credentials",
            where=clip(self._address.url),
            remedy="set WINDLASS_GIT_TOKEN for https, or WINDLASS_GIT_KEY or an SSH agent for ssh",
        )

    def certificate_check(self, certificate: None, valid: bool, host: bytes) -> bool:
        """Take the word of libgit2: of TLS for https, of known_hosts for ssh. Without this method pygit2 lets every SSH
        server through."""
        return valid

    def transfer_progress(self, stats: Any) -> None:
        """Called while objects arrive.

        Raises:
            Unavailable: the fetch takes too long.
        """
        if time.monotonic() > self._ends:
            raise Unavailable(
                f"the fetch was ended after {FETCH_SECONDS_MAX / 60:.0f} min",
                code="git-unreachable",
                where=clip(self._address.url),
                remedy="clone the repository by hand and watch the clone, or wait for a faster connection",
            )

    def _is_new(self, kind: str) -> bool:
        if kind in self._offered:
            return False
        self._offered.add(kind)
        return True

    def _is_ours(self, url: str) -> bool:
        """A server may redirect; the token goes to the host that the person named, and to no other."""
        return url.partition("://")[2].startswith((f"{self._address.host}/", f"{self._address.host}:"))
