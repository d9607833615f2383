"""Small trained models, the releases made of them, and replicas as real processes over Unix sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import numpy as np

import windlass
from windlass.serving.door import Door
from windlass.serving.frames import rows_of
from windlass.serving.inference import infer
from windlass.serving.releases import LoadedRelease, load_model
from windlass.serving.runtimes import RunSpec, Source, read_run
from windlass.serving.signature import (
    ColumnSpec,
    Signature,
    TensorSpec,
    column_input,
    read_signature,
    signature_bytes,
)
from windlass.serving.tables import TableColumns, read_table

DIGEST = "blake3:" + "ab" * 32
VERSION = "ab" * 6
DEADLINE_SECONDS = 60.0
FoundT = TypeVar("FoundT")
BOOTSTRAP = Path(windlass.__file__).parent / "serving" / "bootstrap.py"

ROWS = [
    {"age": age, "visits": visits, "city": city}
    for age, visits, city in [
        (20.5, 1, "Ulm"),
        (35.0, 4, "Bonn"),
        (61.25, 9, "Ulm"),
        (44.0, 2, "Köln"),
        (52.5, 7, "Bonn"),
    ]
    * 8
]
LABELS = ["high" if row["visits"] > 3 else "low" for row in ROWS]  # type: ignore[operator]


def trained_pipeline() -> Any:
    """A classifier over numbers and text, trained on a data frame."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["age", "visits"]), ("text", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    )
    return make_pipeline(columns, LogisticRegression()).fit(pd.DataFrame(ROWS), LABELS)


def make_release(
    folder: Path, model: Callable[[Path], str], run: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None = ROWS
) -> Path:
    """A release folder: `model` writes the model file below a folder and gives its name; the signature is inferred."""
    (folder / "model").mkdir(parents=True)
    (folder / "code").mkdir()
    name = model(folder / "model")
    spec = RunSpec(run["format"], f"model/{name}" if name else "", run.get("target", ""), tuple(run.get("allow", ())))
    for file, text in run.get("code", {}).items():
        (folder / "code" / file).write_text(text)
    (folder / "run.json").write_text(
        json.dumps({"format": spec.format, "model": spec.model, "target": spec.target, "allow": list(spec.allow)})
    )
    sample = None
    if rows is not None:
        (folder / "sample.json").write_text(json.dumps(list(rows)))
        sample = read_table(folder / "sample.json")
    loaded = load_model(Source(folder / (spec.model or "model"), folder / "code", spec))
    (folder / "signature.json").write_bytes(signature_bytes(infer(loaded, sample).signature))
    return folder


def write_skops(estimator: Any) -> Callable[[Path], str]:
    """A writer of an estimator's skops file."""

    def write(folder: Path) -> str:
        import skops.io

        skops.io.dump(estimator, folder / "model.skops")
        return "model.skops"

    return write


def skops_release(folder: Path) -> Path:
    """The classifier as a release."""
    return make_release(folder, write_skops(trained_pipeline()), {"format": "skops"})


def python_release(folder: Path, code: str, rows: Sequence[Mapping[str, Any]] = ROWS) -> Path:
    """A release of `service:Model`, whose module holds `code`; its signature says one number per row."""
    spec = {"format": "python", "target": "service:Model", "allow": [], "model": ""}
    (folder / "code").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "code" / "service.py").write_text(code)
    (folder / "run.json").write_text(json.dumps(spec))
    columns = [
        {"name": name, "datatype": datatype, "required": True, "nullable": False, "categories": []}
        for name, datatype in [("age", "FP64"), ("visits", "INT64"), ("city", "BYTES")]
    ]
    tensors = [{"name": column["name"], "datatype": column["datatype"], "shape": [-1]} for column in columns]
    signature = {
        "inputs": tensors,
        "outputs": [{"name": "prediction", "datatype": "FP64", "shape": [-1]}],
        "columns": columns,
        "classes": [],
        "prediction": "prediction",
        "probability": "",
    }
    (folder / "signature.json").write_text(json.dumps(signature))
    return folder


@dataclass
class Site:
    """What holds the listening socket, as a site agent does. Sockets lie in a short folder of their own."""

    folder: Path
    listener: socket.socket
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / "r.sock"

    @property
    def control(self) -> Path:
        return self.folder / "r.ctl"

    def start(self, release: Path, *arguments: str, listener: socket.socket | None = None) -> subprocess.Popen[bytes]:
        """Start a replica on the listening socket, as the site does."""
        number = (listener or self.listener).fileno()
        command = [sys.executable, str(BOOTSTRAP), "", "windlass.serving", "--release", str(release)]
        command += ["--service", "clinic", "--digest", DIGEST, "--fd", str(number), "--control", str(self.control)]
        log = self.folder / "log.txt"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, *arguments], pass_fds=[number], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.processes.append(process)
        return process

    def wait_ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """What the replica says of itself once it is ready."""
        for _ in deadline(f"the replica is ready: {self.log()}"):
            assert process.poll() is None, self.log()
            said = self.ask()
            if said:
                said[1].close()
                if said[0]["pid"] == process.pid and said[0]["ready"]:
                    return said[0]
        raise AssertionError

    def ask(self) -> tuple[dict[str, Any], socket.socket] | None:
        """One question at the control socket: what the replica says, and the listening socket it hands back."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(DEADLINE_SECONDS)
            try:
                connection.connect(str(self.control))
                line, numbers, _, _ = socket.recv_fds(connection, 4096, 1)
            except (FileNotFoundError, ConnectionError):
                return None
        return (json.loads(line), socket.socket(fileno=numbers[0])) if numbers else None

    def client(self, timeout: float = 2 * DEADLINE_SECONDS) -> httpx2.Client:
        return httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(self.path)), base_url="http://replica", timeout=timeout
        )

    def log(self) -> str:
        path = self.folder / "log.txt"
        return path.read_text() if path.exists() else ""


@contextmanager
def a_site() -> Iterator[Site]:
    """A held listening socket; every process that was started on it is ended."""
    with (
        tempfile.TemporaryDirectory(prefix="wl") as name,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        listener.bind(os.path.join(name, "r.sock"))
        listener.listen(1024)
        site = Site(Path(name), listener)
        try:
            yield site
        finally:
            for process in site.processes:
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                process.wait()


@contextmanager
def a_replica(release: Path, *arguments: str) -> Iterator[Site]:
    """A ready replica of a release."""
    with a_site() as site:
        site.wait_ready(site.start(release, *arguments))
        yield site


def deadline(promise: str, seconds: float = DEADLINE_SECONDS) -> Iterator[int]:
    """Tries until the caller has what it waits for; fails with the promise after `seconds`."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        yield count
        count += 1
        time.sleep(0.02)
    raise AssertionError(f"after {seconds:g} s it is not true that {promise}")


def eventually(promise: str, look: Callable[[], FoundT | None]) -> FoundT:
    """What `look` gives once it gives something."""
    for _ in deadline(promise):
        if found := look():
            return found
    raise AssertionError(promise)


def run_module(module: str, *arguments: str, overlay: str = "") -> subprocess.CompletedProcess[str]:
    """One of our commands in a process of its own, through the bootstrap."""
    command = [sys.executable, str(BOOTSTRAP), overlay, module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS * 2, check=False)


def close_to(expected: Any, given: Any) -> bool:
    """Whether two tables of numbers agree to double precision."""
    return bool(np.allclose(np.asarray(expected), np.asarray(given), rtol=1e-12, atol=0))


def loaded(folder: Path) -> LoadedRelease:
    """A release folder's model in this process."""
    run = read_run(folder / "run.json")
    model = load_model(Source(folder / (run.model or "model"), folder / "code", run))
    return LoadedRelease(model, read_signature(folder / "signature.json"), run.format)


@dataclass
class FakeModel:
    """A model that answers what a function says, to test everything around a model."""

    answer: Callable[[Mapping[str, np.ndarray]], Mapping[str, Any]]

    def draft(self, sample: TableColumns | None) -> Signature:
        raise AssertionError("nobody infers the signature of a fake")

    def predict(self, frame: Mapping[str, np.ndarray], signature: Signature) -> Mapping[str, Any]:
        return self.answer(frame)


def a_door(signature: Signature, answer: Callable[[Mapping[str, np.ndarray]], Mapping[str, Any]] | None = None) -> Door:
    """A door before a model that answers 0.5 for every row, or what `answer` says."""
    half = answer or (lambda frame: {"prediction": np.full(rows_of(frame), 0.5)})
    return Door(LoadedRelease(FakeModel(half), signature, "skops"), "clinic", DIGEST)


class NoDeadline:
    """Remembers what a request wanted of its deadline."""

    seconds = 0.0

    def tighten(self, seconds: float) -> None:
        self.seconds = seconds


def post(door: Door, path: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Status and decoded body of a prediction, without a socket. `body` is bytes, or a value that is sent as JSON."""
    call = door.route("POST", path, "req-1", dict(headers or {}))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = door.predict(call, data, NoDeadline())
    return reply.status, json.loads(reply.body)


def columns_signature(*columns: ColumnSpec) -> Signature:
    """A signature over table columns with one output."""
    return Signature(
        inputs=tuple(map(column_input, columns)),
        outputs=(TensorSpec("prediction", "FP64", (-1,)),),
        columns=columns,
        prediction="prediction",
    )
