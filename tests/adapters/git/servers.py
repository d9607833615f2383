"""A Git server over HTTPS in a thread: enough of the smart protocol for a fetch, with a certificate of its own."""

import base64
import datetime
import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pygit2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FLUSH = b"0000"
FIRST_DAY, LAST_DAY = (
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC),
)


def line(text: str) -> bytes:
    """A pkt-line: four hex digits of length, then the text (gitprotocol-common)."""
    return f"{len(text.encode()) + 4:04x}{text}".encode()


def lines_of(body: bytes) -> Iterator[str]:
    """The pkt-lines of a request; a flush is empty."""
    at = 0
    while at < len(body):
        length = int(body[at : at + 4], 16)
        yield body[at + 4 : at + length].decode() if length else ""
        at += length or 4


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(FIRST_DAY)
        .not_valid_after(LAST_DAY)
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


class GitServer(ThreadingHTTPServer):
    """Serves one repository as `/models.git`; with a token it asks for it."""

    daemon_threads = True

    def __init__(self, repo: pygit2.Repository, token: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repo = repo
        self.token = token
        self.fetches = 0


class _Handler(BaseHTTPRequestHandler):
    server: GitServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        return None

    def do_GET(self) -> None:
        if not self.path.startswith("/models.git/info/refs"):
            self._answer(404, "text/plain", b"no such repository")
        elif not self._is_allowed():
            self._answer(401, "text/plain", b"who are you?")
        else:
            self._answer(200, "application/x-git-upload-pack-advertisement", self._refs())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_allowed():
            self._answer(401, "text/plain", b"who are you?")
            return
        asked = [text.strip() for text in lines_of(body)]
        pack = self._pack([text.split()[1] for text in asked if text.startswith("want ")]) if "done" in asked else b""
        self._answer(200, "application/x-git-upload-pack-result", line("NAK\n") + pack)

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        wanted = base64.b64encode(f"x-access-token:{self.server.token}".encode()).decode()
        return not self.server.token or given == f"Basic {wanted}"

    def _refs(self) -> bytes:
        repo = self.server.repo
        heads = [(name, str(repo.references[name].target)) for name in sorted(repo.references)]
        refs = [("HEAD", next(oid for name, oid in heads if name == "refs/heads/main")), *heads]
        features = "\0symref=HEAD:refs/heads/main agent=a-test"
        shown = [line(f"{oid} {name}{'' if index else features}\n") for index, (name, oid) in enumerate(refs)]
        return line("# service=git-upload-pack\n") + FLUSH + b"".join(shown) + FLUSH

    def _pack(self, wants: list[str]) -> bytes:
        self.server.fetches += 1
        repo = self.server.repo
        builder = pygit2.PackBuilder(repo)
        for want in wants:
            for commit in repo.walk(want):
                builder.add_recur(commit.id)
        with tempfile.TemporaryDirectory() as folder:
            builder.write(folder)
            (pack,) = Path(folder).glob("*.pack")
            return pack.read_bytes()

    def _answer(self, status: int, media: str, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(repo: pygit2.Repository, folder: Path, token: str = "") -> Iterator[tuple[GitServer, str, Path]]:
    """The server, the URL of its repository, and the certificate that a client must trust."""
    public, private = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    server = GitServer(repo, token)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server, f"https://127.0.0.1:{server.server_port}/models.git", public
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
