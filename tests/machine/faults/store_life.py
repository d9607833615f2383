"""The store of artifacts: a release is stored, made into a folder, read, and an old one is removed."""

from collections.abc import Sequence

from tests.adapters.artifacts.kills import FILES, complaints
from tests.machine.faults.lives import Life, Tell, say
from windlass.adapters.artifacts import FileArtifacts
from windlass.delivery.releases.manifest import ManifestFile, write_manifest
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Unavailable

ATTEMPTS_MAX = 3
OLD = b"an old release's weights" * 500


async def _live(folder: str, tell: Tell, round_: int) -> None:
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await _release(FileArtifacts(f"{folder}/store"), tell)
        except Unavailable as error:
            say(f"attempt {attempt}: {error}")  # a build tells it and is tried again
    raise AssertionError("storing a release fails again and again")


async def _release(store: FileArtifacts, tell: Tell) -> None:
    named = []
    for path, data in FILES.items():
        digest = await store.put(data)
        tell(digest)
        named.append(ManifestFile(path, len(data), digest))
    digest = await store.put(__file__)
    tell(digest)
    old = await store.put(OLD)
    release = await store.put(write_manifest(named))
    tell(release)
    await store.materialise(release)
    tell("folder")
    await store.remove(frozenset([old]))
    assert old not in [blob.digest for blob in await store.blobs()]


async def _wrong(folder: str, told: Sequence[tuple[int, str]]) -> list[str]:
    words = [word for _, word in told]
    found = complaints(f"{folder}/store", words)
    listed = {blob.digest for blob in await FileArtifacts(f"{folder}/store").blobs()}
    found += [f"{word} is not listed" for word in words if word != "folder" and word not in listed]
    store = FileArtifacts(f"{folder}/store")
    found += [f"{digest} is half visible" for digest in sorted(listed) if digest_of(await store.read(digest)) != digest]
    return found


STORE = Life("store", _live, _wrong)
