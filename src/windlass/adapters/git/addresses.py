"""What names a repository, and what opens it. Secrets come from the environment; no message or file repeats them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from windlass.kernel.errors import UserMistake, clip

_SCHEMES = ("https", "ssh", "file", "http")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SCP = re.compile(r"(?:([\w.-]+)@)?([\w.-]+):(?!/{2})(.+)")  # git@host:team/models.git


@dataclass(frozen=True, slots=True)
class GitSecrets:
    """What opens remote repositories beside the SSH agent, which is always asked.

    `token` answers HTTPS servers; `key_file` is a private SSH key without a passphrase.
    """

    token: str = field(default="", repr=False)
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is. `url` is empty for a local one, whose `path` is absolute."""

    path: str = ""
    url: str = ""
    host: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether nothing leaves this machine."""
        return self.host in _LOOPBACK


def secrets_of(environment: Mapping[str, str]) -> GitSecrets:
    """The secrets that WINDLASS_GIT_TOKEN and WINDLASS_GIT_KEY hold."""
    return GitSecrets(environment.get("WINDLASS_GIT_TOKEN", ""), environment.get("WINDLASS_GIT_KEY", ""))


def address_of(repository: str) -> Address:
    """The place that a repository's name means: a path, a URL, or `user@host:path` as ssh writes it.

    Raises:
        UserMistake: the scheme is unknown or sends secrets in the clear, or the URL holds credentials.
    """
    if "://" not in repository:
        shape = _SCP.fullmatch(repository)
        if shape is None or os.path.exists(repository):
            return Address(path=os.path.abspath(repository))
        user, host, path = shape.groups()
        return Address(url=f"ssh://{user or 'git'}@{host}/{path.lstrip('/')}", host=host)
    try:
        parts = urlsplit(repository)
        host = parts.hostname or ""
    except ValueError as error:
        raise _mistake("is not a URL", repository, "write https://host/path or git@host:path") from error
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        remedy = "take them out, and set WINDLASS_GIT_TOKEN; a token in a URL ends up in logs"
        where = f"{parts.scheme}://{host}{parts.path}"
        raise UserMistake("the URL holds credentials", code="git-credentials-in-url", where=clip(where), remedy=remedy)
    if parts.scheme not in _SCHEMES:
        raise _mistake(f"Git is not read over {clip(parts.scheme)}", repository, "use https, ssh, file or a path")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise _mistake("http can be read and changed on its way", repository, "use https")
    return Address(url=repository, host=host)


def _mistake(what: str, repository: str, remedy: str) -> UserMistake:
    return UserMistake(what, code="git-address", where=clip(repository), remedy=remedy)
