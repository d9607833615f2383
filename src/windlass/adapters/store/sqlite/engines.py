"""Connections to one SQLite file, and what its errors mean.

A transaction that reads first and writes later fails at once with "database is locked" if another wrote between,
whatever `busy_timeout` says; so the writer always begins immediate. Readers have their own connections and never wait.
"""

import json
import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from windlass.adapters.store.sqlite.texts import to_text
from windlass.kernel.errors import Unavailable, clip

MEMORY = ":memory:"
# FULL, because a fact that was acknowledged must survive a power cut.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")
_DAMAGED_REMEDY = "stop Windlass, and put back a copy of the file or move it away to begin anew"


def open_engine(path: str, *, writer: bool) -> sa.Engine:
    """An engine on the file; the writer's has exactly one connection. In memory one connection serves both."""
    options: dict[str, Any] = {"json_serializer": to_text, "json_deserializer": json.loads}
    if path == MEMORY:
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    elif writer:
        options |= {"pool_size": 1, "max_overflow": 0}
    engine = sa.create_engine(sa.URL.create("sqlite", database=path), **options)

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # else the driver begins transactions by itself
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def store_trouble(error: sa.exc.DBAPIError | sqlite3.Error, path: str) -> Unavailable:
    """SQLite's error as one that people can act on."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    name = str(getattr(cause, "sqlite_errorname", ""))
    words = clip(str(cause))
    if name.startswith("SQLITE_FULL"):
        return _trouble("the disk is full; nothing was stored", "disk-full", path, "free some space; it is tried again")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return _trouble(f"the file of facts is damaged: {words}", "store-damaged", path, _DAMAGED_REMEDY)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return _trouble("another program holds the file of facts", "store-busy", path, "end it; it is tried again")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        remedy = "give the user who runs Windlass the right to write this file and its folder"
        return _trouble(f"the file of facts cannot be written: {words}", "store-forbidden", path, remedy)
    return _trouble(f"the file of facts failed: {words}", "disk-error", path, "look after the disk; it is tried again")


def damaged(error: Exception, path: str) -> Unavailable:
    """A row that is no longer what was written."""
    what = f"the file of facts holds a row that cannot be read: {clip(str(error))}"
    return _trouble(what, "store-damaged", path, _DAMAGED_REMEDY)


def driver_connection(connection: sa.Connection) -> sqlite3.Connection:
    """The connection of the standard library below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _trouble(what: str, code: str, path: str, remedy: str) -> Unavailable:
    return Unavailable(what, code=code, where=clip(path), remedy=remedy)
