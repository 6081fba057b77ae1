"""Nearest vectors in PostgreSQL with pgvector: the engine that can be spread over machines; needs `postgres`."""

from __future__ import annotations

import re

import numpy as np
from sqlalchemy.engine import make_url

from kb.vectors import Slots, Vectors

HNSW_FROM = 20_000
"""Vectors from which the graph replaces the exact scan inside PostgreSQL."""
EF_SEARCH = 200


class PgVectorIndex:
    """Vectors in the table `table` of the database at a SQLAlchemy `url`; the table is made, and emptied at the start.

    Slots are numbers of one process: two processes need two tables. `close` drops the table; one that a killed
    process left is emptied by the next of the same name. Above `hnsw_from` vectors the search is approximate.
    Raises ImportError when the extra is missing, RuntimeError when the server has no pgvector.
    """

    def __init__(self, url: str, dimension: int, table: str = "kb_vector", *, hnsw_from: int = HNSW_FROM) -> None:
        try:
            import psycopg
            from pgvector.psycopg import register_vector
        except ImportError as error:
            raise ImportError("pgvector: needs the extra: pip install 'yousu[postgres]'") from error
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,50}", table):
            raise ValueError(f"table {table!r}: expected lower-case letters, digits and _")
        self._table, self._dimension, self._hnsw_from = table, dimension, hnsw_from
        self._connection = psycopg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        )
        try:
            self._run("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        except psycopg.Error as error:
            raise RuntimeError(f"this PostgreSQL has no pgvector extension: {error}") from error
        register_vector(self._connection)
        self._run(f"DROP TABLE IF EXISTS {table}")
        self._run(f"CREATE UNLOGGED TABLE {table} (slot bigint PRIMARY KEY, embedding vector({dimension}) NOT NULL)")
        self._run(f"ALTER TABLE {table} ALTER embedding SET STORAGE PLAIN")
        self._run(f"SET hnsw.ef_search = {EF_SEARCH}")
        self._run("SET hnsw.iterative_scan = strict_order")
        self._size = 0
        self._graph = False

    def __len__(self) -> int:
        return self._size

    def add(self, slots: Slots, vectors: Vectors) -> None:
        """Take `vectors` under `slots`, all or none."""
        if not len(slots):
            return
        with self._connection.transaction():
            gone = self._run(f"DELETE FROM {self._table} WHERE slot = ANY(%s)", [slots.tolist()])
            with (
                self._connection.cursor() as cursor,
                cursor.copy(f"COPY {self._table} (slot, embedding) FROM STDIN WITH (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["int8", "vector"])
                for slot, vector in zip(slots.tolist(), vectors.astype(np.float32), strict=True):
                    copy.write_row((slot, vector))
        self._size += len(slots) - gone
        if not self._graph and self._size > self._hnsw_from:
            self._run("SET maintenance_work_mem = '1GB'")
            self._run(f"CREATE INDEX ON {self._table} USING hnsw (embedding vector_ip_ops)")
            self._graph = True

    def remove(self, slots: Slots) -> None:
        """Forget `slots`."""
        self._size -= self._run(f"DELETE FROM {self._table} WHERE slot = ANY(%s)", [np.asarray(slots).tolist()])

    def search(self, vector: Vectors, k: int) -> tuple[Slots, Vectors]:
        """Return the nearest."""
        query = f"SELECT slot, embedding <#> %(v)s FROM {self._table} ORDER BY embedding <#> %(v)s LIMIT %(k)s"
        rows = self._connection.execute(query, {"v": np.asarray(vector, np.float32), "k": k}).fetchall()
        return np.array([r[0] for r in rows], np.int64), np.array([-r[1] for r in rows], np.float32)

    def close(self) -> None:
        """Drop the table and the connection."""
        self._run(f"DROP TABLE IF EXISTS {self._table}")
        self._connection.close()

    def _run(self, statement: str, values: list[object] | None = None) -> int:
        return self._connection.execute(statement, values).rowcount
