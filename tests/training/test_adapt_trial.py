"""Adapting the encoder to pairs: what is learned from, what is held out, and when an adapted one is kept."""

import csv

import pytest

from kb.entry import COLUMNS
from training.encoder.adapt import Pair, read_pairs
from training.encoder.adapt_trial import TOLERANCE, best_share, from_entries, from_pairs


def _files(tmp_path):
    entries, questions = tmp_path / "entries.csv", tmp_path / "dev_questions.csv"
    with entries.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for i in range(40):
            row = {"id": f"E{i}", "question": f"第{i}件事怎么办", "aliases": f"{i}号事;办{i}号"}
            writer.writerow({**row, "answer": f"到{i}号窗口办理", "basis": "办事指南", "status": "published"})
    lines = [f"{name}问{i}号的事,E{i},{name}" for i in range(40) for name in ("甲", "乙")]
    questions.write_text("question,entry_id,author\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return entries, questions


def test_the_author_and_the_entries_that_are_measured_on_are_not_learned_from(tmp_path):
    material = from_entries(*_files(tmp_path), "乙")
    (check,) = material.checks.values()
    assert check.questions
    assert all(q.startswith("乙问") for q in check.questions)
    asked_for = {check.texts[i] for i in check.right}
    assert asked_for.isdisjoint({p.passage for p in material.pairs})
    assert not any(p.query.startswith("乙问") for p in material.pairs)
    assert any(p.query.startswith("甲问") for p in material.pairs)
    assert len(check.texts) == 40


def test_an_author_without_questions_is_named(tmp_path):
    with pytest.raises(ValueError, match="丙"):
        from_entries(*_files(tmp_path), "丙")


def test_a_tenth_of_the_passages_of_a_file_is_only_asked_for():
    pairs = [Pair("答复", f"第{i}问", f"第{i // 2}答") for i in range(200)]
    material = from_pairs(pairs)
    check = material.checks["答复"]
    assert 5 <= len(set(check.right.tolist())) <= 20
    assert {check.texts[i] for i in check.right}.isdisjoint({p.passage for p in material.pairs})
    assert len(material.pairs) + len(check.questions) == 200


def test_a_file_of_pairs_tells_which_column_or_row_is_wrong(tmp_path):
    file = tmp_path / "对.csv"
    file.write_text("query,answer\n怎么办,去窗口\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"passage.*query、answer"):
        read_pairs(file)
    file.write_text("query,passage\n怎么办,去窗口\n怎么退, \n", encoding="utf-8")
    with pytest.raises(ValueError, match="第 3 行"):
        read_pairs(file)
    file.write_text("query,passage\n怎么办,去窗口\n", encoding="utf-8")
    assert read_pairs(file) == [Pair("对", "怎么办", "去窗口")]


def test_a_share_is_kept_only_if_it_wins_on_the_whole_and_loses_nowhere():
    base = {"a": 0.80, "b": 0.60}
    assert best_share({0.0: base, 0.3: {"a": 0.81, "b": 0.61}, 0.6: {"a": 0.82, "b": 0.58}}) == 0.3
    assert best_share({0.0: base, 0.6: {"a": 0.95, "b": 0.60 - 2 * TOLERANCE}}) == 0.0
    assert best_share({0.0: base, 0.6: base}) == 0.0
