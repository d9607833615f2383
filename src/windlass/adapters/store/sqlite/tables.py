"""The tables, and how a file becomes one of ours.

Facts are rows for ever. The state of each service and repository, and each slice of the plan, is one row that the
transaction of the facts replaces, so that a snapshot needs no replay; a test rebuilds those rows from the facts.
"""

import sqlalchemy as sa

from windlass.kernel.errors import UserMistake

SCHEMA_VERSION = 1
_ONLY_ROW = 1

metadata = sa.MetaData()

schema = sa.Table("schema", metadata, sa.Column("version", sa.Integer, nullable=False))

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Index("facts_of_a_service", "service", "number"),
    sa.Index("facts_of_a_kind", "kind", "number"),
    sqlite_autoincrement=True,
)

services = sa.Table(
    "services",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

repositories = sa.Table(
    "repositories",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

slices = sa.Table(
    "slices",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

root = sa.Table(
    "root",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint(f"id = {_ONLY_ROW}"), primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("plan_generation", sa.BigInteger, nullable=False),
)


def prepare(connection: sa.Connection, path: str) -> None:
    """Make the tables in an empty database; let one of ours be; refuse any other.

    Raises:
        UserMistake: a newer Windlass wrote the file, or it belongs to another program.
    """
    present = set(sa.inspect(connection).get_table_names())
    if not present:
        metadata.create_all(connection)
        connection.execute(sa.insert(schema).values(version=SCHEMA_VERSION))
        connection.execute(sa.insert(root).values(id=_ONLY_ROW, generation=0, plan_generation=0))
        return
    if not set(metadata.tables) <= present:
        raise UserMistake(
            "the file is a database of another program",
            code="store-foreign",
            where=path,
            remedy="move it away, or start Windlass under another name",
        )
    version = connection.execute(sa.select(schema.c.version)).scalar_one()
    if version > SCHEMA_VERSION:
        raise UserMistake(
            f"a newer Windlass wrote this file: its layout is {version}, this program knows {SCHEMA_VERSION}",
            code="store-newer",
            where=path,
            remedy="install that version again, or restore a copy of the file from before",
        )
