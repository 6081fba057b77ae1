"""BM25 scores as its formula says, whatever was added and removed before."""

import random
import re
import unicodedata
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import postings
from kb.lexical import K1, B, Bm25Index, grams

TEXTS = [
    "采暖费按建筑面积计收,未通热的不收",
    "居民医保每年九月开始缴费",
    "公积金贷款最高额度以现行公布为准",
    "App 上可以办 5G 套餐退订",
    "医保卡丢了先挂失再补办",
]


def _reference(texts: list[str], query: str) -> list[float]:
    """Okapi BM25 written out term by term."""
    bags = [grams(t).tolist() for t in texts]
    mean = sum(map(len, bags)) / len(bags)
    scores = []
    for bag in bags:
        total = 0.0
        for term in grams(query).tolist():
            n = sum(term in b for b in bags)
            tf = bag.count(term)
            idf = np.log(1 + (len(bags) - n + 0.5) / (n + 0.5))
            total += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(bag) / mean))
        scores.append(total)
    return scores


def test_scores_are_those_of_the_formula() -> None:
    for query in ("医保怎么缴费", "医保医保", "5G 套餐", "采暖费"):
        np.testing.assert_allclose(Bm25Index(TEXTS).scores(query), _reference(TEXTS, query), rtol=1e-5)


def test_pairs_do_not_span_punctuation_and_latin_words_are_whole() -> None:
    assert len(grams("医,保")) == 2
    assert len(grams("医保")) == 3
    assert len(grams("WIFI")) == 1
    assert grams("WIFI").tolist() == grams("wifi").tolist()


def test_an_index_grown_one_by_one_scores_like_one_built_at_once() -> None:
    grown = Bm25Index()
    for text in TEXTS:
        grown.add([text])
    for query in TEXTS:
        np.testing.assert_allclose(grown.scores(query), Bm25Index(TEXTS).scores(query), rtol=1e-6)


def test_a_removed_text_counts_nowhere_before_and_after_compacting() -> None:
    index = Bm25Index(TEXTS)
    index.remove([1, 3])
    rest = [0, 2, 4]
    fresh = Bm25Index([TEXTS[i] for i in rest])
    for query in ("医保缴费", "贷款额度"):
        scores = index.scores(query)
        assert scores[1] == scores[3] == 0
        np.testing.assert_allclose(scores[rest], fresh.scores(query), rtol=1e-6)
    renamed = index.compact()
    assert renamed.tolist() == [0, -1, 1, -1, 2]
    assert len(index) == index.slots == 3
    np.testing.assert_allclose(index.scores("医保缴费"), fresh.scores("医保缴费"), rtol=1e-6)


@pytest.mark.parametrize("query", ["", "!?", "英"])
def test_a_query_that_shares_nothing_scores_nothing(query: str) -> None:
    assert not Bm25Index(TEXTS).scores(query).any()


def test_an_empty_index_and_empty_texts_are_searchable() -> None:
    assert Bm25Index().scores("医保").shape == (0,)
    assert Bm25Index(["", "…"]).scores("医保").tolist() == [0, 0]
    emptied = Bm25Index(["医保"])
    emptied.remove([0])
    assert emptied.scores("医保").tolist() == [0]
    emptied.compact()
    assert emptied.scores("医保").shape == (0,)


def test_an_unknown_slot_is_refused() -> None:
    with pytest.raises(IndexError, match="5"):
        Bm25Index(TEXTS).remove([5])


@pytest.mark.parametrize("kept", [postings.KEPT_BYTES, 1])
def test_every_score_is_that_of_the_formula_for_common_terms_too(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On texts of characters as uneven in frequency as real ones, asked again and again while the index changes."""
    monkeypatch.setattr(postings, "KEPT_BYTES", kept)
    rng = np.random.default_rng(3)
    stock = "".join(chr(0x4E00 + i) * max(1, 900 // (i + 1)) for i in range(900))
    texts = ["".join(stock[i] for i in rng.integers(len(stock), size=40)) for _ in range(4600)]
    bags = [Counter(grams(t).tolist()) for t in texts]
    index, alive = Bm25Index(), np.zeros(0, bool)
    for start, end in ((0, 4000), (4000, 4500), (4500, 4600)):
        index.add(texts[start:end])
        gone = rng.choice(end, 100, replace=False)
        index.remove(gone)
        alive = np.concatenate([alive, np.ones(end - start, bool)])
        alive[gone] = False
        for i in [*rng.integers(end, size=6), 7]:
            asked = texts[i][:6] + texts[i - 1][10:16]
            query = index.query(asked)
            np.testing.assert_allclose(query.scores, _written_out(bags[:end], alive, asked), rtol=1e-5, atol=1e-5)
            np.testing.assert_array_equal(query.of(np.arange(end)[::3]), query.scores[::3])
            for n in (10, 50):
                best = query.best(n)
                assert len({*best.tolist()}) == n
                assert alive[best].all()
                np.testing.assert_array_equal(np.sort(query.scores[best]), np.sort(query.scores)[-n:])


def _written_out(bags: list[Counter[int]], alive: np.ndarray, query: str) -> np.ndarray:
    """Okapi BM25 over the texts that remain, as `_reference`; 0 for the others."""
    sizes = np.array([b.total() for b in bags])
    norms = K1 * (1 - B + B * sizes / sizes[alive].mean())
    scores = np.zeros(len(bags))
    for term in grams(query).tolist():
        counts = np.array([b[term] for b in bags]) * alive
        n = np.count_nonzero(counts)
        scores += np.log(1 + (alive.sum() - n + 0.5) / (n + 0.5)) * counts * (K1 + 1) / (counts + norms)
    return scores


@given(st.lists(st.tuples(st.booleans(), st.text("医保社缴费a1,", max_size=8)), max_size=25))
def test_any_sequence_of_changes_ends_like_a_fresh_index(changes: list[tuple[bool, str]]) -> None:
    index, kept = Bm25Index(), {}
    for adding, text in changes:
        if adding or not kept:
            kept[int(index.add([text])[0])] = text
        else:
            slot = next(iter(kept))
            index.remove([slot])
            del kept[slot]
    fresh = Bm25Index(kept.values())
    np.testing.assert_allclose(index.scores("社保缴费a1")[list(kept)], fresh.scores("社保缴费a1"), rtol=1e-5)


def test_terms_are_units_and_pairs_of_those_that_touch_whatever_the_text() -> None:
    rng = random.Random(1)
    letters = "路灯不亮修a1b.-c ,。Ａ１㎡\ud800😀İß½𠀀鿿䶿㐀豈"
    for _ in range(2000):
        text = "".join(rng.choices(letters, k=rng.randint(0, 30)))
        plain = unicodedata.normalize("NFKC", text).lower()
        units = list(re.finditer(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*|[\u3400-\u9fff]", plain))
        codes = [ord(u[0]) if u[0] >= "\u3400" else 0x200000 + (zlib.crc32(u[0].encode()) & 0x3FFFFFFF) for u in units]
        pairs = [
            a << 32 | b for a, b, u, v in zip(codes, codes[1:], units, units[1:], strict=False) if u.end() == v.start()
        ]
        assert grams(text).tolist() == codes + pairs, text
