"""Vectors of a very large table: some are computed, the others estimated; what is measured is always computed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from models.features import NgramVectorizer, WordCutter
from tests.training.conftest import MAPPING, rows_of_sayings, write
from training.estimate import estimate_vectors, rows_to_embed


def test_every_measured_row_is_embedded_and_a_rare_leaf_before_a_frequent_one_is_again() -> None:
    leaves = ["常"] * 90 + ["少"] * 10
    held = np.zeros(100, bool)
    held[[3, 95]] = True
    own = rows_to_embed(leaves, np.arange(100), held, 20)
    assert own[[3, 95]].all()
    assert own.sum() == 22
    assert own[90:].all()


def test_a_row_that_repeats_another_is_embedded_last() -> None:
    groups = np.array([0] * 6 + list(range(6, 12)))
    own = rows_to_embed(["一"] * 12, groups, np.zeros(12, bool), 7)
    assert own[6:].all()
    assert own[:6].sum() == 1


def test_all_rows_are_embedded_when_they_are_few_or_no_limit_is_set() -> None:
    for most in (0, 12):
        assert rows_to_embed(["一"] * 12, np.arange(12), np.zeros(12, bool), most).all()


def test_an_estimate_is_near_the_vector_that_was_not_computed() -> None:
    rng, spoken = np.random.default_rng(0), random.Random(0)
    words = ["暖气不热", "路灯不亮", "工地太吵", "水管爆裂", "井盖松动", "垃圾没收", "公交晚点", "电梯停了"]
    meaning = dict(zip(words, rng.normal(size=(8, 24)), strict=True))
    said = [spoken.sample(words, 2) for _ in range(300)]
    texts = [",".join(pair) for pair in said]
    vectors = np.array([sum(meaning[w] for w in pair) + rng.normal(0, 0.2, 24) for pair in said], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    own = np.arange(300) < 200
    found = estimate_vectors(texts, own, vectors[own])
    assert (found[own] == vectors[own]).all()
    near = (found[~own] * vectors[~own]).sum(1)
    assert near.min() > 0.85
    mean = vectors[own].mean(0) / np.linalg.norm(vectors[own].mean(0))
    assert near.mean() > (vectors[~own] @ mean).mean() + 0.3


def test_cutting_texts_once_gives_the_weights_of_cutting_them_twice() -> None:
    texts = [r["诉求内容"] for r in rows_of_sayings(30)] + ["", "路灯"]
    vectorizer = NgramVectorizer(WordCutter())
    once = vectorizer.fit_transform(texts)
    twice = vectorizer.transform(texts)
    assert once.shape == twice.shape
    assert abs(once - twice).max() < 1e-6


def test_a_training_says_how_many_vectors_it_estimated_and_is_still_repeatable(
    yousu, shared_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    table = write(tmp_path / "a.csv", rows_of_sayings(90))
    said = [
        yousu("train", table, "--mapping", tmp_path / "mapping.toml", "--embed-most", 40, "--quiet") for _ in range(2)
    ]
    versions = {next(x.split()[1] for x in s.output.splitlines() if x.startswith("模型包")) for s in said}
    assert len(versions) == 1, [s.output for s in said]
    report = json.loads((shared_home / "training" / "runs" / versions.pop() / "report.json").read_text("utf-8"))
    assert report["data"]["estimated"] == report["data"]["trained"] - 40
    assert f"{report['data']['estimated']} 件训练工单的向量由用词估计" in said[0].output
    assert report["classification"]["levels"][0]["accuracy"] > 0.9
