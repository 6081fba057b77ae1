"""The words that ask are data: a city's own count, and a fault in the file is told with its place."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kb.asking import FILE, AskingError, read_asking, shipped_asking
from models.locations import data_dir
from training.dev_questions import asking_beside

SHIPPED = tomllib.loads((data_dir() / "kb" / FILE).read_text(encoding="utf-8"))


def changed(place: str, value: object) -> dict[str, Any]:
    """The shipped words with `value` at a place such as `holdings.money.asks`."""
    record = copy.deepcopy(SHIPPED)
    *tables, last = place.split(".")
    at = record
    for name in tables:
        at = at[name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return record


def write(path: Path, record: dict[str, Any]) -> Path:
    """A file of words, every table in the short form."""

    def toml(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
        return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)

    path.write_text("\n".join(f"{k} = {toml(v)}" for k, v in record.items()), encoding="utf-8")
    return path


def test_a_city_adds_its_own_words_beside_its_questions(tmp_path: Path) -> None:
    questions = tmp_path / "dev_questions.csv"
    assert asking_beside(questions) is shipped_asking()
    assert not shipped_asking().own_case.search("阿甲嘎交的申请批哈了么")
    who, state = (SHIPPED["own_case"][part] for part in ("who", "state"))
    own = changed("own_case", {**SHIPPED["own_case"], "who": ["阿甲", *who], "state": ["批哈了么", *state]})
    write(tmp_path / FILE, own)
    assert asking_beside(questions).own_case.search("阿甲嘎交的申请批哈了么")
    assert asking_beside(questions).record == own


def test_what_is_asked_exactly_and_what_an_answer_tells_go_by_the_same_names() -> None:
    asking = shipped_asking()
    assert asking.exact_in("几点开门,电话多少") == ["hour", "telephone"]
    assert "hour" in asking.held_by("早上九点开门") - asking.held_by("请看公告")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("own_case", None, "own_case 应为 一张表,实为缺失"),
        ("aspects", ["几点"], "aspects 应为 一张表,实为 ['几点']"),
        ("aspects.when", [], "aspects.when 应为 至少有一项的列表,实为 []"),
        ("aspects.when", "几点", "aspects.when 应为 至少有一项的列表,实为 '几点'"),
        ("aspects.when", ["几点", "(几号"], "aspects.when 第2项 应为 正则表达式,实为 '(几号'"),
        ("aspects.when", ["几点", ""], "aspects.when 第2项 应为 至少要有一个字的正则表达式,实为 ''"),
        ("aspects.when", [5], "aspects.when 第1项 应为 至少要有一个字的正则表达式,实为 5"),
        ("aspects.when", ["(几)点"], "aspects.when 第1项 应为 没有捕获组的正则表达式"),
        ("holdings.money.holds", None, "holdings.money.holds 应为 至少有一项的列表,实为缺失"),
        ("holdings.money", ["钱"], "holdings.money 应为 含 asks、holds 的表,实为 ['钱']"),
        ("own_case.whom", ["我"], "own_case.whom 应为 who、step、state、also 之一,实为多余"),
        ("aspect", {"when": ["几点"]}, "aspect 应为 aspects、holdings、own_case 之一,实为多余"),
    ],
)
def test_a_fault_names_file_place_expected_and_found(tmp_path: Path, place: str, value: object, said: str) -> None:
    file = write(tmp_path / FILE, changed(place, value))
    with pytest.raises(AskingError) as error:
        read_asking(file)
    assert str(error.value).startswith(f"{file}: 1 处错误:")
    assert said in str(error.value)


def test_every_fault_is_told_at_once_and_a_file_that_is_no_toml_with_its_line(tmp_path: Path) -> None:
    record = changed("aspects.when", [])
    record["holdings"]["money"]["asks"] = ["["]
    with pytest.raises(AskingError, match=r"2 处错误:aspects.when .*;holdings.money.asks 第1项"):
        read_asking(write(tmp_path / FILE, record))
    (tmp_path / FILE).write_text("[aspects]\nwhen = 几点\n", encoding="utf-8")
    with pytest.raises(AskingError, match=r"TOML.*line 2"):
        read_asking(tmp_path / FILE)
    (tmp_path / FILE).write_bytes("# 几点".encode("gbk"))
    with pytest.raises(AskingError, match="UTF-8"):
        read_asking(tmp_path / FILE)
    with pytest.raises(AskingError, match="可读的文件"):
        read_asking(tmp_path / "none.toml")
