"""What every content-addressed store keeps."""

import os
from pathlib import Path

import pytest

from windlass.delivery.releases.manifest import MANIFEST_NAME, ManifestFile, read_manifest, write_manifest
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.errors import Unavailable
from windlass.ports.artifacts import Artifacts
from windlass.testing.conformance.runs import Runs


class BlobsConformance(Runs):
    """What a store without a disk keeps as well. Give a fixture `artifacts`: an empty store."""

    def test_bytes_come_back_under_their_digest(self, artifacts: Artifacts) -> None:
        """What goes in comes out the same, and its name is the digest of the bytes."""
        for data in (b"", b"model", bytes(range(256)) * 5000):
            assert self.run(artifacts.put(data)) == digest_of(data)
            assert self.run(artifacts.read(digest_of(data))) == data

    def test_a_missing_digest_is_unavailable(self, artifacts: Artifacts) -> None:
        """Nothing is made up for a digest that was never stored."""
        for verb in (artifacts.read, artifacts.materialise):
            with pytest.raises(Unavailable):
                self.run(verb(digest_of(b"never stored")))

    def test_everything_stored_is_listed(self, artifacts: Artifacts) -> None:
        """Blobs are listed once each with their sizes, sorted by digest."""
        stored = [self.run(artifacts.put(data)) for data in (b"one", b"three", b"one")]
        blobs = self.run(artifacts.blobs())
        assert [blob.digest for blob in blobs] == sorted(set(stored))
        assert sorted(blob.size_bytes for blob in blobs) == [3, 5]

    def test_removed_blobs_are_gone(self, artifacts: Artifacts) -> None:
        """Removing says how many bytes became free, once, and leaves the others."""
        one, other = self.run(artifacts.put(b"12345")), self.run(artifacts.put(b"678"))
        assert self.run(artifacts.remove(frozenset({one}))) == 5
        assert self.run(artifacts.remove(frozenset({one}))) == 0
        assert [blob.digest for blob in self.run(artifacts.blobs())] == [other]
        with pytest.raises(Unavailable):
            self.run(artifacts.read(one))


class ArtifactsConformance(BlobsConformance):
    """The same, and what it does with files and releases."""

    def release(self, artifacts: Artifacts, files: dict[str, bytes]) -> Digest:
        """Store files and their manifest, as a build does."""
        named = [ManifestFile(path, len(data), self.run(artifacts.put(data))) for path, data in sorted(files.items())]
        return self.run(artifacts.put(write_manifest(named)))

    def test_a_file_is_stored_by_its_bytes(self, artifacts: Artifacts, tmp_path: Path) -> None:
        """A file and the same bytes are one blob, and the file stays where it was."""
        source = tmp_path / "model.onnx"
        source.write_bytes(b"weights" * 1000)
        assert self.run(artifacts.put(str(source))) == self.run(artifacts.put(source.read_bytes()))
        assert [blob.size_bytes for blob in self.run(artifacts.blobs())] == [7000]

    def test_a_release_becomes_a_folder(self, artifacts: Artifacts) -> None:
        """The folder holds exactly the manifest's files and the manifest; making it again changes nothing."""
        files = {"model/m.onnx": b"weights", "code/app.py": b"print()", "signature.json": b"{}"}
        release = self.release(artifacts, files)
        folder = Path(self.run(artifacts.materialise(release)))
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        manifest = found.pop(MANIFEST_NAME)
        assert found == files
        assert digest_of(manifest) == release
        assert [file.path for file in read_manifest(manifest)] == sorted(files)
        assert self.run(artifacts.materialise(release)) == str(folder)

    def test_a_release_with_a_missing_file_never_appears(self, artifacts: Artifacts) -> None:
        """A release whose file is not stored is unavailable, and no folder is left that looks like one."""
        there, gone = b"there", ManifestFile("model/gone", 4, digest_of(b"gone"))
        named = [ManifestFile("model/a", len(there), self.run(artifacts.put(there))), gone]
        release = self.run(artifacts.put(write_manifest(named)))
        for _ in range(2):
            with pytest.raises(Unavailable, match="not stored"):
                self.run(artifacts.materialise(release))
        self.run(artifacts.put(b"gone"))
        assert sorted(os.listdir(self.run(artifacts.materialise(release)))) == [MANIFEST_NAME, "model"]

    def test_a_manifest_that_lies_is_refused(self, artifacts: Artifacts) -> None:
        """A wrong size, a path that leads out, or what is no manifest at all: no folder appears."""
        data = self.run(artifacts.put(b"data"))
        lies = [write_manifest([ManifestFile("a", 5, data)]), b"{}", b"\xff"]
        lies.append(write_manifest([ManifestFile("a", 4, data)]).replace(b'"a"', b'"../a"'))
        for lie in lies:
            with pytest.raises(Unavailable, match="cannot be used"):
                self.run(artifacts.materialise(self.run(artifacts.put(lie))))

    def test_removed_bytes_are_gone(self, artifacts: Artifacts) -> None:
        """Removing says how many bytes became free, and removing again frees none."""
        release = self.release(artifacts, {"model/m": b"12345"})
        folder = self.run(artifacts.materialise(release))
        every = frozenset(blob.digest for blob in self.run(artifacts.blobs()))
        total = sum(blob.size_bytes for blob in self.run(artifacts.blobs()))
        assert self.run(artifacts.remove(every)) == total
        assert self.run(artifacts.blobs()) == ()
        assert not os.path.exists(folder)
        assert self.run(artifacts.remove(every)) == 0
        with pytest.raises(Unavailable):
            self.run(artifacts.read(release))
