"""Every real adapter keeps the promises of its port."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.git_scenes import LocalScene, RemoteScene
from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.git import PygitRepositories
from windlass.adapters.keys import Ed25519Verifier, load_signer, make_key
from windlass.adapters.leftovers import LocalLeftovers
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.tables import FileTables
from windlass.adapters.world import RealClock, RealDisk
from windlass.ports.keys import Signer, Verifier
from windlass.ports.store import Store
from windlass.testing.conformance.artifacts import ArtifactsConformance
from windlass.testing.conformance.clock import ClockConformance
from windlass.testing.conformance.disk import DiskConformance
from windlass.testing.conformance.git import GitConformance
from windlass.testing.conformance.keys import KeysConformance
from windlass.testing.conformance.leftovers import LeftoversConformance
from windlass.testing.conformance.sites import SitesConformance
from windlass.testing.conformance.store import StoreConformance
from windlass.testing.conformance.tables import TablesConformance


class TestRealClock(ClockConformance):
    @pytest.fixture
    def clock(self) -> RealClock:
        return RealClock()


class TestRealDisk(DiskConformance):
    @pytest.fixture
    def disk(self) -> RealDisk:
        return RealDisk()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        return str(tmp_path)


class TestFileArtifacts(ArtifactsConformance):
    @pytest.fixture
    def artifacts(self, tmp_path: Path) -> FileArtifacts:
        return FileArtifacts(str(tmp_path / "store"))


class TestLocalRepositories(GitConformance):
    @pytest.fixture
    def git(self, tmp_path: Path) -> PygitRepositories:
        return PygitRepositories(str(tmp_path / "mirrors"))

    @pytest.fixture(params=["bare", "with a working copy"])
    def scene(self, tmp_path: Path, request: pytest.FixtureRequest) -> LocalScene:
        return LocalScene(tmp_path / "repo", bare=request.param == "bare")


class TestRemoteRepositories(GitConformance):
    @pytest.fixture
    def git(self, tmp_path: Path) -> PygitRepositories:
        return PygitRepositories(str(tmp_path / "mirrors"))

    @pytest.fixture
    def scene(self, tmp_path: Path) -> RemoteScene:
        return RemoteScene(tmp_path / "repo.git")


class TestSqliteFile(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        store = SqliteStore(str(tmp_path / "facts.db"))
        yield store
        self.run(store.close())

    @pytest.fixture
    def again(self, tmp_path: Path) -> Callable[[Store], Store]:
        def reopen(store: Store) -> Store:
            asyncio.run(store.close())
            return SqliteStore(str(tmp_path / "facts.db"))

        return reopen


class TestSqliteInMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[SqliteStore]:
        store = SqliteStore(":memory:", "inline")
        yield store
        self.run(store.close())

    @pytest.fixture
    def again(self) -> Callable[[SqliteStore], Store]:
        return lambda store: SqliteStore.restored(store.snapshot())


class TestMailboxSites(SitesConformance):
    @pytest.fixture
    def sites(self) -> MailboxSites:
        return MailboxSites()


class TestEd25519(KeysConformance):
    @pytest.fixture
    def signer(self, tmp_path: Path) -> Signer:
        make_key(str(tmp_path / "signing.key"))
        return load_signer(str(tmp_path / "signing.key"))

    @pytest.fixture
    def verifier(self, signer: Signer) -> Verifier:
        return Ed25519Verifier(signer.public())

    @pytest.fixture
    def stranger(self, tmp_path: Path) -> Signer:
        make_key(str(tmp_path / "other.key"))
        return load_signer(str(tmp_path / "other.key"))


class TestFileTables(TablesConformance):
    @pytest.fixture
    def tables(self) -> FileTables:
        return FileTables()


class TestLocalLeftovers(LeftoversConformance):
    @pytest.fixture
    def leftovers(self, tmp_path: Path) -> LocalLeftovers:
        logs = tuple(f"control/logs/build/s-build-{number}.txt" for number in (2, 1))
        for place in ("control/jobs/build-1/file", *logs, f"store/environments/{'e' * 64}/file"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_text("words")
        return LocalLeftovers(str(tmp_path))
