"""Parquet and CSV files as tables."""

from windlass.adapters.tables.files import FileTables

__all__ = ["FileTables"]
