"""Facts and plan in one SQLite file: one writer connection, many readers."""

from windlass.adapters.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
