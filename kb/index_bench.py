"""`yousu bench index`: how the index does at a size that no real knowledge base at hand has, on made-up entries."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry, read_entries
from kb.index import HybridIndex
from kb.vectors import FlatIndex, GrowingIndex, Make, ScalarIndex, VectorIndex
from models.embedder import Embedder, Kind, load_embedder
from models.locations import bundle_dir, data_dir

Engine = Literal["auto", "flat", "scalar", "pgvector"]
ALIASES = 3
LENGTHS = {"question": 12, "answer": 90}
"""Mean characters of what is made up; about those of the shipped entries."""
CHANGES = 100
"""How many single upserts and deletes are timed."""
NAMES = {
    "search_ms": "检索前十 p50 / p95",
    "search_cpu_ms": "其中 CPU 时间 p50 / p95",
    "search_after_changes_ms": "增删之后再检索 p50 / p95",
    "encoder_ms": "旁边的编码器 p50 / p95",
    "upsert_ms": "改一条直到可检索 p50 / p95",
    "delete_ms": "删一条直到不可检索 p50 / p95",
}


class ClusteredVectors:
    """Stands in for the encoder: unit vectors in clusters, close to each other as those of e5 are (cosine about 0.8).

    Texts that begin with the same two characters share a cluster. The same text does not give the same vector twice.
    """

    name = "clustered"

    def __init__(self, dimension: int = 384, seed: int = 0, clusters: int = 2000) -> None:
        self.dimension = dimension
        self._rng = np.random.default_rng(seed)
        self._common = self._rng.normal(size=dimension).astype(np.float32)
        self._centres = self._rng.normal(size=(clusters, dimension)).astype(np.float32)

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension)."""
        return self.near([(ord(t[0]) * 31 + ord(t[1])) % len(self._centres) for t in texts])

    def near(self, places: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return a vector of each of the clusters `places`, shape (n_places, dimension)."""
        made = self._rng.standard_normal((len(places), self.dimension), np.float32)
        made = 2 * self._common + 0.8 * self._centres[places] + 0.6 * made
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made


class _Texts:
    """Texts of random characters, as frequent as in the shipped entries."""

    def __init__(self, seed: int = 0) -> None:
        entries = read_entries(data_dir() / "kb" / "entries.csv")
        seen = "".join(c for e in entries for c in e.question + e.answer if "\u4e00" <= c <= "\u9fff")
        self._stock = np.array(list(seen))
        self._rng = np.random.default_rng(seed)

    def text(self, mean: int) -> str:
        """Return a text of half to one and a half times `mean` characters."""
        size = int(self._rng.integers(mean // 2, mean * 3 // 2 + 1))
        return "".join(self._stock[self._rng.integers(len(self._stock), size=size)])

    def entry(self, name: str) -> KnowledgeEntry:
        """Return an entry whose aliases begin like its question."""
        question = self.text(LENGTHS["question"])
        aliases = tuple(question[:2] + self.text(LENGTHS["question"]) for _ in range(ALIASES))
        return KnowledgeEntry(
            name, question, aliases, self.text(LENGTHS["answer"]), "依据", "", "", "", None, None, (),
            "published", "", None, "", "",
        )  # fmt: skip


def measure(entries: int, make: Make, embedder: Embedder, queries: int) -> dict[str, Any]:
    """Return the figures by name, times as {"p50", "p95"}; `embedder`, the real encoder, works beside the searches."""
    texts, vectors = _Texts(), ClusteredVectors(embedder.dimension)
    held = [texts.entry(f"S{n}") for n in range(entries)]
    asked = [e.question[: 2 + n % 9] + texts.text(8) for n, e in enumerate(held[:: max(1, entries // queries)])]
    embedder.encode(asked[:5], kind="query")
    gc.collect()
    before = _private()
    start = time.perf_counter()
    index = HybridIndex(held, vectors, make=make)
    built = time.perf_counter() - start
    gc.collect()
    memory = _private() - before
    index.search(asked[0], vectors.encode(asked[:1], kind="query")[0])
    search, encode, worked = [], [], []
    for text in asked[:queries]:
        vector = vectors.encode([text], kind="query")[0]
        encode.append(timed(lambda text=text: embedder.encode([text], kind="query")))  # type: ignore[misc]
        used = time.process_time()
        search.append(timed(lambda text=text, vector=vector: index.search(text, vector)))  # type: ignore[misc]
        worked.append((time.process_time() - used) * 1000)
    changed = [dataclasses.replace(e, answer=texts.text(LENGTHS["answer"])) for e in held[:: entries // CHANGES]]
    upserts = [timed(lambda e=e: index.upsert([e])) for e in changed]  # type: ignore[misc]
    deletes = [timed(lambda e=e: index.delete([e.id])) for e in changed]  # type: ignore[misc]
    after = []
    for text in asked[: queries // 2]:
        vector = vectors.encode([text], kind="query")[0]
        after.append(timed(lambda text=text, vector=vector: index.search(text, vector)))  # type: ignore[misc]
    return {
        "entries": entries,
        "texts_each": {"questions": 1 + ALIASES, "passages": 1},
        "build_s": round(built, 2),
        "memory_mb": round(memory / 1e6),
        "search_ms": percentiles(search),
        "search_cpu_ms": percentiles(worked),
        "search_after_changes_ms": percentiles(after),
        "encoder_ms": percentiles(encode),
        "upsert_ms": percentiles(upserts),
        "delete_ms": percentiles(deletes),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def bench_index(
    entries: Annotated[list[int] | None, typer.Option(min=200, help="条目数,可多次给出;默认 100000")] = None,
    engine: Annotated[
        Engine, typer.Option(help="向量引擎:auto 随条目数增长(即产品所用),flat 精确,scalar 8 位,pgvector PostgreSQL")
    ] = "auto",
    queries: Annotated[int, typer.Option(min=20, help="检索多少次")] = 500,
    database: Annotated[str, typer.Option(help="pgvector 用的数据库地址(SQLAlchemy)")] = "",
    bundle: Annotated[Path, typer.Option(help="模型包文件夹,取其编码器")] = bundle_dir(),
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
) -> None:
    """测大规模索引:条目的文字按随附条目的字频随机生成,向量为随机成簇的单位向量,都不是真实内容。"""
    try:
        make = _maker(engine, database)
        embedder = load_embedder(bundle / "encoder")
        measured = [measure(size, make, embedder, queries) for size in entries or [100_000]]
    except (ValueError, ImportError, RuntimeError, OSError) as error:
        typer.echo(f"错误:{error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps({"engine": engine, "sizes": measured}, ensure_ascii=False))
        return
    _show(engine, measured)


def _show(engine: str, measured: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    each = f"每条 {1 + ALIASES} 问 1 段"
    table = Table(
        f"条目({each})", *(str(m["entries"]) for m in measured),
        title=f"{engine}:文字与向量均为随机生成", title_justify="left",
    )  # fmt: skip
    table.add_row("建索引(不含编码)", *(f"{m['build_s']:.1f} s" for m in measured))
    for name, told in NAMES.items():
        table.add_row(told, *(f"{m[name]['p50']:.1f} / {m[name]['p95']:.1f} ms" for m in measured))
    table.add_row("索引所占内存(不含条目文字)", *(f"{m['memory_mb']} MB" for m in measured))
    table.add_row("机器负载(1 分钟)", *(str(m["load"]) for m in measured))
    Console().print(table)


def _maker(engine: Engine, database: str) -> Make:
    if engine == "auto":
        return GrowingIndex
    if engine == "flat":
        return FlatIndex
    if engine == "scalar":
        return ScalarIndex
    if not database.startswith("postgresql"):
        raise ValueError("pgvector 需要 --database,如 postgresql+psycopg://用户@主机/库")
    made: list[VectorIndex] = []

    def make(dimension: int) -> VectorIndex:
        from kb.pgvector import PgVectorIndex

        made.append(PgVectorIndex(database, dimension, f"bench_vector_{len(made)}"))
        return made[-1]

    return make


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that one call of `work` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def percentiles(times: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """Return the median and the 95th percentile as a report tells them."""
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def _private() -> int:
    """Return the bytes of memory of this process that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0
