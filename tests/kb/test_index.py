"""The index beside the store: derived from it, whole after a kill, and ranking like a plain scan."""

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.entry import KnowledgeEntry, from_row
from kb.fusion import Fusion, Views, best
from kb.index import HybridIndex
from kb.lexical import Bm25Index
from kb.ranking import FIXED, Ranker, Searchable
from kb.store import EntryStore
from kb.vector_cache import RememberingEmbedder
from kb.vectors import GrowingIndex, Make, ScalarIndex
from models.embedder import Kind
from tests.conftest import ROOT
from tests.kb.test_entry import GOOD

GOOD_ENTRY = replace(from_row(GOOD), status="published")
CHARACTERS = np.array(list("医保社缴费住房公积金户口身份证办理暖气水电停车养狗噪音工资低保老人残疾学校"))


class RandomEmbedder:
    """A unit vector per text, drawn at random with the text as the seed; it counts what it embeds."""

    name = "random"
    dimension = 384

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> np.ndarray:
        self.calls += len(texts)
        seeds = [int.from_bytes(hashlib.sha256(f"{kind}{t}".encode()).digest()[:8], "big") for t in texts]
        made = np.array([np.random.default_rng(s).normal(size=self.dimension) for s in seeds]).reshape(-1, 384)
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def words(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(CHARACTERS, n))


def things(n: int) -> list[Searchable]:
    rng = np.random.default_rng(0)
    bodies = [(words(rng, 30) + "。") * int(rng.choice([1, 1, 30])) for _ in range(n)]
    return [Searchable(b, tuple(words(rng, 8) for _ in range(rng.integers(0, 5)))) for b in bodies]


def scan(held: dict[int, Searchable], text: str, vector: np.ndarray) -> list[int]:
    """The ranking written out: every vector of every thing compared, in the precision in which they are kept."""
    fusion = Fusion()

    def cosines(texts: Sequence[str], kind: Kind) -> np.ndarray:
        return np.rint(RandomEmbedder().encode(texts, kind=kind) * FIXED).astype(np.float32) @ vector / FIXED

    asked = [cosines(t.questions, "query") for t in held.values()]
    question = np.array([a.max() if len(a) else np.nan for a in asked])
    mean = np.array([a.mean() if len(a) else np.nan for a in asked])
    passage = np.array([cosines(t.parts, "passage").max() for t in held.values()])
    lexical = Bm25Index([t.whole for t in held.values()]).scores(text)
    chosen = np.union1d(best(np.fmax(mean, passage), fusion.candidates), best(lexical, fusion.candidates))
    sizes = np.array([len(t.parts) for t in held.values()], np.float32)
    scores = fusion.scores(Views(question[chosen], mean[chosen], passage[chosen], lexical[chosen], sizes[chosen]))
    return np.array(list(held))[chosen[np.argsort(-scores, kind="stable")[:10]]].tolist()


@pytest.mark.parametrize("make", [GrowingIndex, ScalarIndex], ids=["growing", "scalar"])
@pytest.mark.parametrize("n", [30, 400])
def test_the_order_is_that_of_a_plain_scan(make: Make, n: int) -> None:
    ranker, held = Ranker(RandomEmbedder(), make=make), dict(enumerate(things(n)))
    ranker.add(list(held.values()))
    gone = list(range(5, n, 9))
    ranker.remove(gone)
    for slot in gone:
        del held[slot]
    assert len(ranker) == len(held)
    rng = np.random.default_rng(3)
    for _ in range(20):
        text = words(rng, 12)
        vector = ranker.embedder.encode([text], kind="query")[0]
        assert [r.slot for r in ranker.search(text, vector)] == scan(held, text, vector)


def test_vectors_are_embedded_once_and_a_damaged_record_again(tmp_path: Path) -> None:
    cache, texts = tmp_path / "v", [f"第{n}条" for n in range(40)]
    first = RememberingEmbedder(RandomEmbedder(), cache)
    made = first.encode(texts, kind="query")
    first.save()
    inner = RandomEmbedder()
    np.testing.assert_array_equal(RememberingEmbedder(inner, cache).encode(texts, kind="query"), made)
    assert inner.calls == 0
    content = bytearray(cache.read_bytes())
    content[len(content) // 2] ^= 255
    cache.write_bytes(content[:-100])
    again = RememberingEmbedder(inner, cache)
    np.testing.assert_array_equal(again.encode(texts, kind="query"), made)
    assert inner.calls == 2
    again.save()
    np.testing.assert_array_equal(RememberingEmbedder(inner, cache).encode(texts, kind="query"), made)
    assert inner.calls == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 an older file", b"yousu vectors 1\n"])
def test_a_cache_file_of_another_kind_is_made_anew(tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "v"
    cache.write_bytes(content)
    index = HybridIndex([GOOD_ENTRY], RandomEmbedder(), cache)
    assert len(index) == 1
    inner = RandomEmbedder()
    assert HybridIndex([GOOD_ENTRY], inner, cache).entries == (GOOD_ENTRY,)
    assert inner.calls == 0


def test_two_processes_may_share_a_cache_file(tmp_path: Path) -> None:
    one, other = (RememberingEmbedder(RandomEmbedder(), tmp_path / "v") for _ in range(2))
    for embedder, text in ((one, "甲"), (other, "乙"), (one, "丙")):
        embedder.encode([text], kind="query")
        embedder.save()
    inner = RandomEmbedder()
    RememberingEmbedder(inner, tmp_path / "v").encode(["甲", "乙", "丙"], kind="query")
    assert inner.calls == 0


CHANGING = """
import sys, itertools
from dataclasses import replace
from pathlib import Path
from kb.index import HybridIndex
from kb.store import EntryStore
from tests.kb.test_index import GOOD_ENTRY, RandomEmbedder
store = EntryStore(sys.argv[1])
index = HybridIndex(store.entries(status="published"), RandomEmbedder(), Path(sys.argv[2]))
print("here", flush=True)
for n in itertools.count():
    entries = [replace(GOOD_ENTRY, id=f"N{(n * 7 + i) % 400}", answer=f"第{n}次{i}。") for i in range(20)]
    entries[0] = replace(entries[0], status="retired")
    store.upsert(entries, who="甲", why="改")
    index.upsert(entries[1:])
    index.delete([entries[0].id])
"""


@pytest.mark.parametrize("after", [0.05, 0.2, 0.45])
def test_a_kill_between_store_and_index_heals_at_the_next_start(
    database_url: str, tmp_path: Path, after: float
) -> None:
    cache = tmp_path / "v"
    store = EntryStore(database_url)
    store.upsert([GOOD_ENTRY], who="甲", why="先有的")
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", CHANGING, database_url, str(cache)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
            time.sleep(after)
        finally:  # it changes entries for ever: left behind by an interrupted run, it would slow down everything
            process.send_signal(signal.SIGKILL)
            process.wait(20)
            process.stdout.close()
        _same(HybridIndex(store.entries(status="published"), RandomEmbedder(), cache), store)
    store.close()


def _same(index: HybridIndex, store: EntryStore) -> None:
    """Check that the index holds what the store publishes, each findable in its present form, and nothing else."""
    published = {e.id: e for e in store.entries(status="published")}
    assert {e.id: e for e in index.entries} == published
    for entry in list(published.values())[::17]:
        found: list[KnowledgeEntry] = [
            h.entry
            for h in index.search(entry.answer, RandomEmbedder().encode([searched(entry)], kind="passage")[0], top=5)
        ]
        assert entry in found


def searched(entry: KnowledgeEntry) -> str:
    return f"{entry.question} {entry.answer}"
