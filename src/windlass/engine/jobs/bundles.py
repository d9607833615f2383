"""The release as it is stored: each file by its digest, then the manifest that names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from windlass.delivery.releases.manifest import ManifestFile, write_manifest
from windlass.engine.jobs.models import ModelFound
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import Digest
from windlass.kernel.errors import UserMistake
from windlass.ports.artifacts import Artifacts
from windlass.ports.environments import Environment


@dataclass(frozen=True, slots=True)
class Bundle:
    release: Digest
    size_bytes: int


def write_records(release: Path, found: ModelFound, environment: Environment, env: Mapping[str, str]) -> None:
    """Write what a release says about itself beside its model: how it is run, and in which environment.

    `env` are its variables as the file declares them: a reference stays a reference.
    """
    (release / "env").mkdir()
    (release / "env/lock.txt").write_text(environment.lock, encoding="utf-8")
    (release / "env/python.txt").write_text(f"{environment.python_version}\n", encoding="utf-8")
    (release / "env/platform.txt").write_text(f"{environment.platform}\n", encoding="utf-8")
    (release / "run.json").write_bytes(canonical_bytes({**found.run_json(), "env": dict(env)}))


async def store_files(release: Path, artifacts: Artifacts) -> tuple[ManifestFile, ...]:
    """Store every file of the folder. This comes before the model is loaded, which could write into the folder.

    Raises:
        Unavailable: the disk is full or fails.
    """
    files = []
    for path in sorted(release.rglob("*")):
        if path.is_file():
            digest = await artifacts.put(str(path))
            files.append(ManifestFile(path.relative_to(release).as_posix(), path.stat().st_size, digest))
    return tuple(files)


async def store_manifest(files: tuple[ManifestFile, ...], signature: bytes, artifacts: Artifacts) -> Bundle:
    """Store the signature and, last, the manifest: a release that has a name is whole.

    Raises:
        UserMistake: a file of the release has a name that no release can hold.
        Unavailable: the disk is full or fails.
    """
    signed = ManifestFile("signature.json", len(signature), await artifacts.put(signature))
    try:
        manifest = write_manifest((*files, signed))
    except ValueError as error:
        raise UserMistake(str(error), code="bad-release", remedy="rename the file") from error
    return Bundle(await artifacts.put(manifest), sum(file.size for file in (*files, signed)) + len(manifest))
