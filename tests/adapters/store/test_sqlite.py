"""The SQLite file: what stands in it follows from the facts, and what is wrong with it is said."""

import asyncio
import json
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from tests.facts.worlds import histories
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.store.sqlite.engines import open_engine, store_trouble
from windlass.adapters.store.sqlite.texts import StateTexts, to_text
from windlass.facts import types as kinds
from windlass.facts.fold import fold, fold_all
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState, fold_repository
from windlass.facts.state import ServiceState
from windlass.kernel.errors import Unavailable, UserMistake, WindlassError
from windlass.kernel.instants import Instant
from windlass.kernel.records import to_json
from windlass.ports.store import Change, FactQuery

EVERY_FACT = FactQuery(limit=1_000_000)


def fact(reason: str, service: str = "visits") -> Fact:
    """A small fact."""
    return Fact(service, Instant(1), kinds.Frozen("ann", reason))


def test_a_commit_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    """The connection that writes syncs each commit in full, so that no power cut takes what was acknowledged."""
    engine = open_engine(str(tmp_path / "facts.db"), writer=True)
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    engine.dispose()
    assert ["wal", 2] == found


@settings(max_examples=12)
@given(history=histories(size=25))
def test_stored_states_are_those_of_the_facts(history: list[Fact]) -> None:
    """Whatever happened, the state rows are what folding the stored facts from the first one gives."""

    async def live() -> None:
        store = SqliteStore(":memory:", "inline")
        watched = RepositoryState("/repo", "main")
        state: ServiceState = ServiceState("visits")
        begun = Fact("", Instant(0), kinds.RepositoryWatched("/repo", "main", "ann"))
        assert await store.commit(Change(0, (begun,), (watched,), (state,)))
        for batch in (history[:1], history[1:5], history[5:]):
            for happened in batch:
                state = fold(state, happened)
                watched = fold_repository(watched, happened) or watched
            parent = (await store.load()).generation
            assert await store.commit(Change(parent, tuple(batch), (watched,), (state,)))
        for opened in (store, SqliteStore.restored(store.snapshot())):
            stored, facts = await opened.load(), await opened.facts(EVERY_FACT)
            rebuilt: RepositoryState | None = None
            for happened in facts:
                rebuilt = fold_repository(rebuilt, happened)
            assert stored.services == {"visits": fold_all("visits", facts)}
            assert stored.repositories == {"/repo": rebuilt}
            await opened.close()

    asyncio.run(live())


@settings(max_examples=25)
@given(history=histories(size=25))
def test_texts_are_the_json_of_the_records(history: list[Fact]) -> None:
    """The quick writer and the remembering one give the JSON that the slow one gives, after every change."""
    texts = StateTexts()
    state = ServiceState("visits")
    for happened in history:
        state = fold(state, happened)
        expected = to_json(state)
        assert json.loads(texts.text("visits", state)) == expected
        assert json.loads(to_text(state)) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_what_json_cannot_hold_is_not_stored(value: object) -> None:
    """A value that would come back as another one is refused."""
    with pytest.raises(ValueError, match="JSON"):
        to_text({"a": [value]})


def test_sets_and_views_are_written_as_everywhere() -> None:
    """Frozen sets are written sorted, and any mapping is an object."""
    assert to_text({"a": frozenset({"c", "b"}), "m": MappingProxyType({"k": 1})}) == '{"a":["b","c"],"m":{"k":1}}'


def test_another_process_is_seen(tmp_path: Path) -> None:
    """What another connection commits is loaded, and who planned on the old state loses."""
    path = str(tmp_path / "facts.db")

    async def meet() -> None:
        one, other = SqliteStore(path), SqliteStore(path)
        assert await one.commit(Change(0, (fact("1"),), (), (ServiceState("a"),)))
        assert not await other.commit(Change(0, (fact("2"),)))
        assert await other.load() == await one.load()
        assert await other.commit(Change(1, (fact("3"),)))
        assert not await one.commit(Change(1, (fact("4"),)))
        assert [stored.body.reason for stored in await one.facts(EVERY_FACT)] == ["1", "3"]
        await one.close()
        await other.close()

    asyncio.run(meet())


def test_a_settled_store_gives_the_same_objects(tmp_path: Path) -> None:
    """Loading twice decodes once."""

    async def load_twice() -> None:
        store = SqliteStore(str(tmp_path / "facts.db"))
        await store.commit(Change(0, (), (), (ServiceState("a"),)))
        assert await store.load() is await store.load()
        await store.close()

    asyncio.run(load_twice())


def test_a_snapshot_is_a_copy() -> None:
    """What is committed after a snapshot is not in what is restored from it, and neither disturbs the other."""

    async def fork() -> None:
        store = SqliteStore(":memory:", "inline")
        await store.commit(Change(0, (fact("both"),)))
        other = SqliteStore.restored(store.snapshot())
        await store.commit(Change(1, (fact("one"),)))
        await other.commit(Change(1, (fact("other"),)))
        for opened, last in ((store, "one"), (other, "other")):
            assert [found.body.reason for found in await opened.facts(EVERY_FACT)] == ["both", last]
            await opened.close()

    asyncio.run(fork())


def opening(path: Path) -> WindlassError:
    """The error of opening a file."""
    with pytest.raises(WindlassError) as caught:
        SqliteStore(str(path))
    assert caught.value.remedy
    assert str(path) in caught.value.where
    return caught.value


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Nonsense, a cut file and a row that was changed by hand: nothing is guessed."""
    nonsense = tmp_path / "nonsense.db"
    nonsense.write_bytes(b"not a database " * 500)
    assert opening(nonsense).code == "store-damaged"

    path = tmp_path / "facts.db"

    async def fill() -> None:
        store = SqliteStore(str(path))
        await store.commit(Change(0, (fact("x" * 20_000),), (), (ServiceState("a"),)))
        await store.close()

    asyncio.run(fill())
    cut = tmp_path / "cut.db"
    cut.write_bytes(path.read_bytes()[:5000])
    assert opening(cut).code == "store-damaged"

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("""UPDATE services SET state = '{"service": 5}'""")
    assert "expected str, got int" in opening(path).what


def test_a_changed_fact_is_named(tmp_path: Path) -> None:
    """A fact that is no longer one is an error, not a gap."""
    path = tmp_path / "facts.db"

    async def fill_and_read() -> None:
        store = SqliteStore(str(path))
        await store.commit(Change(0, (fact("x"),)))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE facts SET kind = 'Nonsense'")
        with pytest.raises(Unavailable, match="unknown kind of fact"):
            await store.facts(EVERY_FACT)
        await store.close()

    asyncio.run(fill_and_read())


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """A newer layout and another program's database are refused unchanged."""
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")
    assert isinstance(opening(foreign), UserMistake)
    with closing(sqlite3.connect(foreign)) as connection:
        assert [("notes",)] == connection.execute("SELECT name FROM sqlite_master").fetchall()

    newer = tmp_path / "newer.db"
    asyncio.run(SqliteStore(str(newer)).close())
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE schema SET version = 99")
    error = opening(newer)
    assert isinstance(error, UserMistake)
    assert "newer Windlass" in error.what


def test_a_path_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A folder that does not exist, and a folder instead of a file."""
    assert opening(tmp_path / "none" / "facts.db").code == "store-forbidden"
    assert opening(tmp_path).code == "store-forbidden"


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: the system call fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_failed_write_stores_nothing(tmp_path: Path) -> None:
    """When the disk takes no more, the commit says so, what was acknowledged stays, and later it goes on."""
    path = str(tmp_path / "facts.db")

    async def fill() -> None:
        store = SqliteStore(path)
        acknowledged = 0
        with files_at_most(1_000_000), pytest.raises(Unavailable) as caught:
            while acknowledged < 100:
                await store.commit(Change(acknowledged, (fact("x" * 50_000),), (), (ServiceState("visits"),)))
                acknowledged += 1
        assert caught.value.code in {"disk-full", "disk-error"}
        assert 3 < acknowledged < 25
        assert (await store.load()).generation == acknowledged
        assert len(await store.facts(EVERY_FACT)) == acknowledged
        assert await store.commit(Change(acknowledged, (fact("after"),)))
        await store.close()

    asyncio.run(fill())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "disk-full"),
        ("SQLITE_IOERR_FSYNC", "disk-error"),
        ("SQLITE_BUSY_SNAPSHOT", "store-busy"),
        ("SQLITE_READONLY", "store-forbidden"),
        ("SQLITE_CORRUPT_INDEX", "store-damaged"),
    ],
)
def test_each_error_says_whose_move_it_is(name: str, code: str) -> None:
    """SQLite's own names decide, whatever language its words are in."""
    cause = sqlite3.OperationalError("words")
    cause.sqlite_errorname = name
    error = store_trouble(sa.exc.OperationalError("statement", {}, cause), "facts.db")
    assert (error.code, error.where) == (code, "facts.db")
