"""The store on one SQLite file.

The decoded state is kept beside the generation that it belongs to, so that a pass decodes nothing and a commit writes
only what changed. Whether that copy is still true is asked of the file each time: nothing rests on being alone.
"""

import asyncio
import json
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert

from windlass.adapters.store.sqlite import tables
from windlass.adapters.store.sqlite.engines import MEMORY, damaged, driver_connection, open_engine, store_trouble
from windlass.adapters.store.sqlite.texts import StateTexts
from windlass.delivery.services.types import ServiceSlice
from windlass.facts.ledger import Fact, read_fact
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.records import from_json
from windlass.ports.store import Change, FactQuery, Stored

ResultT = TypeVar("ResultT")
RecordT = TypeVar("RecordT")


class SqliteStore:
    """Facts and plan in one file, or in memory for the simulator.

    Args:
        path: the file, made where there is none; `:memory:` keeps everything in this process.
        executor: `threads` keeps a slow disk from stopping the loop; `inline` keeps the order of a simulated run.

    Raises:
        Unavailable: the file is damaged or cannot be written.
        UserMistake: a newer Windlass wrote the file, or it belongs to another program.
    """

    def __init__(self, path: str, executor: Literal["threads", "inline"] = "threads") -> None:
        self._path = path
        self._writer = open_engine(path, writer=True)
        self._reader = self._writer if path == MEMORY else open_engine(path, writer=False)
        # Threads of our own: what hangs elsewhere must not hold up the store, nor a reader the writer.
        self._writing = _threads(1) if executor == "threads" else None
        self._reading = _threads(2) if executor == "threads" else None
        self._known = Stored()
        self._texts = StateTexts()
        # A store that is dropped, as a crash drops it, closes its file too.
        self._let_go = weakref.finalize(self, _dispose, self._writer, self._reader)
        try:
            self._guarded(self._open)
        except BaseException:
            self._let_go()
            raise

    @classmethod
    def restored(cls, data: bytes, executor: Literal["threads", "inline"] = "inline") -> Self:
        """A store in memory that holds what `snapshot` gave."""
        store = cls(MEMORY, executor)
        with store._writer.connect() as connection:
            driver_connection(connection).deserialize(data)
        store._known = store._guarded(store._load)
        return store

    def snapshot(self) -> bytes:
        """All committed content of a store in memory."""
        with self._writer.connect() as connection:
            return driver_connection(connection).serialize()

    async def load(self) -> Stored:
        """The current state."""
        return await self._run(self._reading, self._load)

    async def commit(self, change: Change) -> bool:
        """Store facts, states and slices in one durable transaction; False if somebody else committed before."""
        return await self._run(self._writing, lambda: self._commit(change))

    async def facts(self, query: FactQuery) -> tuple[Fact, ...]:
        """Stored facts in the order of their numbers."""
        return await self._run(self._reading, lambda: self._facts(query))

    async def close(self) -> None:
        """Let go of the files, after a commit that is under way."""
        for threads in (self._writing, self._reading):
            if threads is not None:
                await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
        self._let_go()

    async def _run(self, executor: Executor | None, work: Callable[[], ResultT]) -> ResultT:
        if executor is None:
            return self._guarded(work)
        return await asyncio.get_running_loop().run_in_executor(executor, self._guarded, work)

    def _guarded(self, work: Callable[[], ResultT]) -> ResultT:
        try:
            return work()
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            self._known = Stored()  # what the file holds now is only known after reading it
            raise store_trouble(error, self._path) from error

    def _open(self) -> None:
        with self._writer.begin() as connection:
            tables.prepare(connection, self._path)
        self._known = self._load()

    def _load(self) -> Stored:
        known = self._known
        if self._generation() == known.generation:
            return known
        with self._reader.begin() as connection:
            found = connection.execute(_GENERATIONS).one()
            try:
                stored = Stored(
                    found.generation,
                    found.plan_generation,
                    _states(connection, tables.repositories, RepositoryState),
                    _states(connection, tables.services, ServiceState),
                    _states(connection, tables.slices, ServiceSlice),
                )
            except ValueError as error:
                raise damaged(error, self._path) from error
        self._known = stored
        return stored

    def _generation(self) -> int:
        """The newest generation in the file. It is asked for each second, so the driver is asked without detours."""
        with self._reader.connect() as connection:
            (generation,) = driver_connection(connection).execute("SELECT generation FROM root").fetchone()
        return int(generation)

    def _commit(self, change: Change) -> bool:
        known = self._known if self._known.generation == change.parent else self._load()
        if known.generation != change.parent:
            return False
        after = _after(known, change)
        with self._writer.begin() as connection:
            values = {"generation": after.generation, "plan_generation": after.plan_generation}
            if connection.execute(_MOVE_ON, {"parent": change.parent, **values}).rowcount != 1:
                return False
            if change.facts:
                connection.execute(_ADD_FACTS, [_fact_row(fact) for fact in change.facts])
            self._put(connection, tables.repositories, {state.repository: state for state in change.repositories})
            self._put(connection, tables.services, {state.service: state for state in change.services})
            self._put(connection, tables.slices, {name: slice_ for name, slice_ in change.slices.items() if slice_})
            gone = [name for name, slice_ in sorted(change.slices.items()) if slice_ is None]
            if gone:
                connection.execute(sa.delete(tables.slices).where(tables.slices.c.name.in_(gone)))
        self._known = after
        return True

    def _put(self, connection: sa.Connection, table: sa.Table, states: Mapping[str, object]) -> None:
        rows: list[dict[str, Any]] = [
            {"name": name, "state": self._texts.text(f"{table.name}/{name}", state)}
            for name, state in sorted(states.items())
        ]
        if rows:
            connection.execute(_PUT[table.name], rows)

    def _facts(self, query: FactQuery) -> tuple[Fact, ...]:
        table, wanted = tables.facts, _NEWEST_FACTS
        if query.service is not None:
            wanted = wanted.where(table.c.service == query.service)
        if query.kinds:
            wanted = wanted.where(table.c.kind.in_(query.kinds))
        with self._reader.begin() as connection:
            rows = connection.execute(wanted, {"after": query.after, "newest": query.limit}).mappings().all()
        try:
            return tuple(read_fact(dict(row)) for row in reversed(rows))
        except ValueError as error:
            raise damaged(error, self._path) from error


def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "windlass-store")


def _put_into(table: sa.Table) -> Insert:
    new = insert(table)
    return new.on_conflict_do_update(index_elements=["name"], set_={"state": new.excluded.state})


# Made once: making a statement takes longer than carrying it out.
_GENERATIONS = sa.select(tables.root.c.generation, tables.root.c.plan_generation)
_MOVE_ON = sa.update(tables.root).where(tables.root.c.generation == sa.bindparam("parent"))
_ADD_FACTS = sa.insert(tables.facts)
_NEWEST_FACTS = (
    sa.select(tables.facts)
    .where(tables.facts.c.number > sa.bindparam("after"))
    .order_by(tables.facts.c.number.desc())
    .limit(sa.bindparam("newest", type_=sa.Integer))
)
_PUT = {table.name: _put_into(table) for table in (tables.repositories, tables.services, tables.slices)}


def _states(connection: sa.Connection, table: sa.Table, kind: type[RecordT]) -> dict[str, RecordT]:
    rows = connection.execute(sa.select(table.c.name, table.c.state).order_by(table.c.name))
    return {name: from_json(kind, json.loads(state)) for name, state in rows}


def _after(known: Stored, change: Change) -> Stored:
    generation = known.generation + 1
    slices = _merged(known.slices, change.slices.items())
    return replace(
        known,
        generation=generation,
        plan_generation=known.plan_generation if slices == known.slices else generation,
        repositories=_merged(known.repositories, ((state.repository, state) for state in change.repositories)),
        services=_merged(known.services, ((state.service, state) for state in change.services)),
        slices=slices,
    )


def _merged(old: Mapping[str, RecordT], changed: Iterable[tuple[str, RecordT | None]]) -> Mapping[str, RecordT]:
    merged: dict[str, RecordT | None] = {**old, **dict(changed)}
    return {name: record for name, record in sorted(merged.items()) if record is not None}


def _fact_row(fact: Fact) -> dict[str, Any]:
    return {"service": fact.service, "at": fact.at, "kind": fact.kind, "body": fact.body}


def _dispose(*engines: sa.Engine) -> None:
    for engine in engines:
        engine.dispose()
