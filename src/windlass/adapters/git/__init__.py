"""Git repositories, local and remote, read with pygit2 and without a checkout."""

from windlass.adapters.git.addresses import GitSecrets, secrets_of
from windlass.adapters.git.repositories import PygitRepositories

__all__ = ["GitSecrets", "PygitRepositories", "secrets_of"]
