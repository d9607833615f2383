"""Kills a process at each call that changes the disk, one after the other, and looks at what is left each time.

Run as a program with a folder; it prints one line of JSON. It only forks, and starts no thread itself.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.adapters.processes.scenes import in_child
from windlass.adapters.artifacts.blobs import Blobs
from windlass.adapters.artifacts.releases import ReleaseFolders
from windlass.delivery.releases.manifest import ManifestFile, read_manifest, write_manifest
from windlass.kernel.digests import Digest, digest_of, hex_of

FILES = {"model/m.onnx": b"weights" * 3000, "code/app.py": b"print()"}
CALLS = ("fsync", "mkdir", "rename", "link", "chmod", "makedirs", "unlink")
POINTS_MAX = 300


def scenario(folder: str, acknowledge: Callable[[str], None]) -> None:
    """Store a release, make its folder, and damage and heal a blob; each result is told as soon as it is promised."""
    blobs = Blobs(folder)
    named = []
    for path, data in FILES.items():
        digest = blobs.put(data)
        acknowledge(digest)
        named.append(ManifestFile(path, len(data), digest))
    release = blobs.put(write_manifest(named))
    acknowledge(release)
    ReleaseFolders(folder, blobs).materialise(release)
    acknowledge("folder")


def killed(folder: str, point: int, told: str) -> bool:
    """Run the scenario and be killed before the call of that number; False if it came to its end first."""
    child = os.fork()
    if not child:
        count = 0

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        with open(told, "a", buffering=1) as file:
            scenario(folder, lambda word: print(word, file=file))
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def complaints(folder: str, told: list[str]) -> list[str]:
    """What is wrong after a kill: something promised that is gone, something half made that is visible."""
    found = []
    blobs = Blobs(folder)
    for word in told:
        if word != "folder" and digest_of(blobs.read(Digest(word))) != word:
            found.append(f"lost {word}")
    for made in Path(folder, "releases").glob("*"):
        if ".tmp-" in made.name:
            continue
        for file in read_manifest((made / "manifest.json").read_bytes()):
            if digest_of((made / file.path).read_bytes()) != file.digest:
                found.append(f"half made {made.name}: {file.path}")
    if "folder" in told and not any(Path(folder, "releases", hex_of(Digest(word))).is_dir() for word in told):
        found.append("the folder is gone")
    return found


def checked(folder: str, told: list[str]) -> list[str]:
    """The complaints, in a process of their own; then the same work must succeed."""

    def look() -> list[str]:
        found = complaints(folder, told)
        scenario(folder, lambda _: None)
        return found

    return in_child(look)


def main(folder: str) -> None:
    """Walk the points until the scenario ends unharmed."""
    wrong: dict[int, list[str]] = {}
    point, was_killed = 0, True
    while was_killed and point < POINTS_MAX:
        point += 1
        store, told = f"{folder}/store", f"{folder}/told"
        was_killed = killed(store, point, told)
        words = Path(told).read_text().split() if os.path.exists(told) else []
        if found := checked(store, words):
            wrong[point] = found
        for left in Path(store).rglob("*"):
            if left.is_dir():
                left.chmod(0o700)
        shutil.rmtree(store)
        Path(told).unlink(missing_ok=True)
    print(json.dumps({"points": point - 1, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1])
