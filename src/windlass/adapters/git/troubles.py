"""What libgit2's messages mean for the person who meets them. It has codes for a few errors only, so words decide."""

from windlass.kernel.errors import Unavailable, UserMistake, WindlassError, clip

_MEANINGS: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (
        ("is not owned by current user",),
        "git-owner",
        "the repository belongs to another user",
        "run Windlass as that user, or trust it: git config --global --add safe.directory <its path>",
    ),
    (
        ("object format 'sha256'", "sha256"),
        "git-sha256",
        "the repository names its objects by SHA-256, which the Git library cannot read",
        "use a repository with SHA-1 names: git init --object-format=sha1, then push the branch there",
    ),
    (
        ("unsupported extension", "unsupported repository version"),
        "git-format",
        "the repository uses a format that the Git library cannot read",
        "clone it anew with Git's default settings and watch the clone",
    ),
    (
        ("repository not found", "could not find repository", "failed to resolve path", "http status code: 404"),
        "git-missing",
        "there is no Git repository, or the credentials do not reach it",
        "check the address; git init makes one in a folder, WINDLASS_GIT_TOKEN opens a private one",
    ),
    (
        ("hostkey", "host key", "user cancelled certificate check"),
        "git-host-key",
        "the server's SSH key is not the one in known_hosts",
        "compare it with what its owner publishes, and add it to ~/.ssh/known_hosts",
    ),
    (
        ("private key file", "extract public key", "invalid format", "wrong passphrase"),
        "git-key",
        "the key that WINDLASS_GIT_KEY names cannot be used",
        "let it name a private key without a passphrase, or unlock the key in an SSH agent",
    ),
    (
        ("certificate",),
        "git-certificate",
        "the server's TLS certificate is not valid here",
        "install the certificate of its authority, or name it in SSL_CERT_FILE",
    ),
    (
        ("authentication", "credentials", "http status code: 401", "http status code: 403"),
        "git-credentials",
        "the server wants credentials that it accepts",
        "set WINDLASS_GIT_TOKEN for https, or WINDLASS_GIT_KEY or an SSH agent for ssh",
    ),
)


def git_trouble(error: Exception, repository: str) -> WindlassError:
    """The Git library's error: UserMistake where a person must change something, else Unavailable."""
    words = str(error)
    lowered = words.lower()
    for marks, code, what, remedy in _MEANINGS:
        if any(mark in lowered for mark in marks):
            return UserMistake(what, code=code, where=clip(repository), remedy=remedy)
    what = f"the repository cannot be read now: {clip(words)}"
    return Unavailable(what, code="git-unreachable", where=clip(repository), remedy="it is tried again")


def missing_object(name: str, repository: str, is_shallow: bool) -> Unavailable:
    """An object that the repository names and does not hold."""
    remedy = "git fetch --unshallow" if is_shallow else "git fsck names what is damaged; fetch or restore it"
    what = f"the object {clip(name)} is missing or damaged"
    return Unavailable(what, code="git-object", where=clip(repository), remedy=f"run in it: {remedy}")


def path_mistake(path: str, what: str, remedy: str) -> UserMistake:
    """Something in a commit's tree that is not accepted; `path` names it, escaped."""
    return UserMistake(what, code="git-path", where=clip(path), remedy=remedy)
