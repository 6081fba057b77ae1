"""The database that holds every record (entries, tickets, feedback, audit): one engine, one set of migrations."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.orm import DeclarativeBase

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 12345
"""Key of the PostgreSQL lock that lets one process at a time migrate."""


class Base(DeclarativeBase):
    """All tables; a change of one needs a migration in `kb/migrations/versions`."""


def connect(url: str) -> Engine:
    """Return the engine of a SQLAlchemy `url` with its tables at the newest migration.

    SQLite runs in WAL mode with foreign keys on; PostgreSQL needs the `postgres` extra.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if url.startswith("sqlite"):
        event.listen(engine, "connect", _sqlite_settings)
    migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest migration; nothing happens when they are."""
    if _newest(engine):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _newest(engine: Engine) -> bool:
    """Whether the tables are at the one newest migration, told without alembic, whose import costs a start 0.3 s."""
    texts = [file.read_text(encoding="utf-8") for file in (MIGRATIONS / "versions").glob("*.py")]
    own, before = (
        {found for text in texts for found in re.findall(rf'^{name} = "(\w+)"', text, re.MULTILINE)}
        for name in ("revision", "down_revision")
    )
    heads = own - before
    if len(heads) != 1 or not inspect(engine).has_table("alembic_version"):
        return False
    with engine.connect() as connection:
        return set(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()) == heads


def _sqlite_settings(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()
