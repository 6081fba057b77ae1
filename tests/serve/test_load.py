"""The load bench fills a home of its own once, embeds nothing made up, and prints what it measured on what."""

import asyncio
import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb.entry import COLUMNS
from kb.index import HybridIndex
from kb.store import EntryStore
from models.locations import catalog_dir, data_dir
from serve import load_home
from serve.load import closed, measure, steady
from serve.settings import Settings
from tests.conftest import serving


class Refusing:
    """An encoder that must not be asked."""

    dimension = 384

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, texts: Sequence[str], *, kind: str, batch_size: int = 32) -> np.ndarray:
        raise AssertionError(f"embedded anew: {texts[:3]}")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over a folder of data with four of the shipped entries."""
    with (data_dir() / "kb" / "entries.csv").open(encoding="utf-8", newline="") as shipped:
        rows = [row for row in csv.DictReader(shipped) if row["status"] == "published"][:4]
    folder = tmp_path / "data" / "kb"
    folder.mkdir(parents=True)
    with (folder / "entries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setenv("YOUSU_CATALOG", str(catalog_dir()))
    monkeypatch.setenv("YOUSU_DATA", str(folder.parent))
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path / "home"))
    return Settings()


def test_the_home_is_filled_once_and_every_vector_is_remembered(small: Settings, engine) -> None:
    own = load_home.home(9, small)
    store = EntryStore(own.database)
    entries, revision = store.entries(status="published"), store.revision
    made = [e for e in entries if e.source == load_home.SOURCE]
    assert (len(entries), len(made)) == (9, 5)
    assert not {e.question for e in made} & {e.question for e in entries if e not in made}
    file = own.home / "index" / "entries.vectors"
    size = file.stat().st_size
    index = HybridIndex(entries, Refusing(engine.bundle.embedder.name), file)
    vectors = index.question_vectors()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=0.01)
    load_home.home(9, small)
    assert (store.revision, file.stat().st_size) == (revision, size), "the second time nothing is left to do"
    store.close()
    assert not (small.home / "yousu.db").exists(), "the city's own home is not touched"


def test_fewer_entries_than_are_shipped_are_refused(small: Settings) -> None:
    with pytest.raises(ValueError, match="应不少于随附的 4 条"):
        load_home.home(3, small)


def test_the_table_names_entries_leaves_cores_and_load_and_every_call_is_answered(small: Settings, engine) -> None:
    rows = dict(measure(0.4, 9))
    assert rows["已发布条目"].startswith("9(其中 5 条")
    assert rows["末级类目"] == str(len(engine.catalog.leaves))
    assert int(rows["可用核数"]) >= 1
    assert float(rows["结束时负载(1 分钟)"]) >= 0
    assert rows["每秒 20 次:状态"] == "200×8"
    assert float(rows["饱和:每次来电编码的文字"].removesuffix(" 段")) >= 1
    assert float(rows["饱和:每次来电服务所用 CPU(ms)"]) > 0
    assert re.fullmatch(r"[\d.]+ / [\d.]+", rows["单独编码同样的话:p50 / p99(ms)"])
    over = next(v for k, v in rows.items() if k.startswith("4 倍过载") and k.endswith("状态"))
    assert {s.split("×")[0] for s in over.split()} <= {"200", "429"}


def test_four_times_too_much_is_refused_at_once_and_what_is_accepted_takes_no_longer_than_in_a_full_house(
    home: Path, engine
) -> None:
    with serving(home, YOUSU_MAX_IN_FLIGHT="8", YOUSU_AUTH="off", YOUSU_LOG_LEVEL="warning") as address:
        port = int(address.rsplit(":", 1)[1])
        asyncio.run(closed(port, "/v1/assist", 2, 1.0))
        full = asyncio.run(closed(port, "/v1/assist", 8, 2.0))
        over = asyncio.run(steady(port, "/v1/assist", 4 * full.per_second, 4.0))
    assert set(over.statuses) == {200, 429}
    assert over.percentile(90) < 4 * full.percentile(90), "callers stood at the door before they got in"
    assert np.percentile(over.refused, 90) < 4 * full.percentile(90), "callers stood at the door to be refused"
