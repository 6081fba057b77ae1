"""Development questions: columns and rows are checked, and a voice may be named or left out."""

import shutil
from pathlib import Path

import pytest

from kb.entry import EntryError, read_entries
from models.locations import data_dir, shipped_data_dir
from training.dev_questions import DevQuestion, read_dev_questions, read_elsewhere


def _file(folder: Path, text: str) -> Path:
    path = folder / "questions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_question_comes_with_its_entry_and_its_voice(tmp_path: Path) -> None:
    file = _file(tmp_path, "question,entry_id,author\n暖气冰手哩找谁,K009,Q2\n给我讲个笑话,,Q3\n")
    assert read_dev_questions(file) == [
        DevQuestion("暖气冰手哩找谁", "K009", "Q2"),
        DevQuestion("给我讲个笑话", "", "Q3"),
    ]


def test_a_file_without_authors_still_reads(tmp_path: Path) -> None:
    assert read_dev_questions(_file(tmp_path, "\ufeffquestion,entry_id\n停电找谁,K097\n"))[0].author == ""


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match=r"questions\.csv.*第1行 entry_id"):
        read_dev_questions(_file(tmp_path, "question,author\n停电找谁,Q1\n"))


def test_every_empty_or_repeated_question_is_listed_by_row(tmp_path: Path) -> None:
    with pytest.raises(EntryError) as caught:
        read_dev_questions(_file(tmp_path, "question,entry_id,author\n停电找谁,K097,Q1\n,K001,Q2\n停电找谁,,Q2\n"))
    assert [(row, expected) for row, _, expected, _ in caught.value.faults] == [(3, "有内容"), (4, "不重复")]


def test_the_shipped_questions_name_their_voice_and_entries_that_exist() -> None:
    known = {e.id for e in read_entries(data_dir() / "kb" / "entries.csv")}
    questions = read_dev_questions(data_dir() / "kb" / "dev_questions.csv")
    assert not [q for q in questions if not q.author]
    assert not [q for q in questions if q.entry_id and q.entry_id not in known]


def test_places_outside_the_city_are_read_beside_the_questions(tmp_path: Path) -> None:
    questions = _file(tmp_path, "question,entry_id\n停电找谁,K097\n")
    assert read_elsewhere(questions) == ()
    (tmp_path / "elsewhere.csv").write_text("name\n西岭\n东山市\n西岭\n", encoding="utf-8")
    assert read_elsewhere(questions) == ("东山市", "西岭")


def test_a_place_that_stands_in_any_word_is_refused_with_its_row(tmp_path: Path) -> None:
    questions = _file(tmp_path, "question,entry_id\n停电找谁,K097\n")
    (tmp_path / "elsewhere.csv").write_text("name\n西岭\n东\n", encoding="utf-8")
    with pytest.raises(EntryError, match=r"elsewhere\.csv.*第3行 name 应为 至少两个字,实为 东"):
        read_elsewhere(questions)


def test_the_shipped_places_are_not_those_of_the_entries() -> None:
    entries = read_entries(data_dir() / "kb" / "entries.csv")
    home = [e for e in entries if e.status == "published"]
    for place in read_elsewhere(data_dir() / "kb" / "dev_questions.csv"):
        assert sum(place in e.question + " ".join(e.aliases) for e in home) < 5, place


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("asking.toml", "[aspects]\nwhen = []\n", "aspects.when 应为 至少有一项的列表,实为 []"),
        ("elsewhere.csv", "name\n东\n", "第2行 name 应为 至少两个字,实为 东"),
        ("entries.csv", "id,question\n1,几点\n", "缺失"),
    ],
)
def test_a_fault_in_what_a_city_wrote_is_told_before_anything_is_trained(
    yousu, tmp_path: Path, file: str, content: str, said: str
) -> None:
    shutil.copytree(shipped_data_dir() / "sample" / "kb", tmp_path / "kb")
    (tmp_path / "kb" / file).write_text(content, encoding="utf-8")
    result = yousu("train-heads", "--bundle", tmp_path / "bundle", "--data", tmp_path)
    assert result.exit_code == 1
    assert file in result.output
    assert said in result.output.replace("\n", "")
    assert not (tmp_path / "bundle").exists()
