"""Small tables that are quick to learn from, and a home of their own for every test."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve.engine import Engine
from tests.conftest import take_vectors
from yousu import app

SAYINGS = {
    "供热": ("暖气不热", "暖气片漏水", "供暖温度不达标", "热力公司没来检修", "家里暖气冰凉"),
    "路灯": ("路灯不亮", "路灯坏了没人修", "街灯一直闪", "灯杆倒在路边", "整条街灯都灭了"),
    "噪音": ("工地半夜施工太吵", "楼下广场舞音响太大", "烧烤店半夜喧哗", "装修电钻声吵", "酒吧噪音扰民"),
}
PLACES = (
    "虎台",
    "古城台",
    "小桥",
    "南川西路",
    "康乐",
    "东关大街",
    "胜利路",
    "海湖新区",
    "生物园",
    "城南",
    "湟中路",
    "北川",
)


def rows_of_sayings(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Return n labelled calls, days apart, with a few columns that are filled in later."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        label = list(SAYINGS)[i % 3]
        said = f"{rng.choice(PLACES)}{rng.randint(1, 99)}号{rng.choice(SAYINGS[label])}已经{rng.randint(2, 30)}天了"
        rows.append(
            {
                "工单号": f"T{i:04d}",
                "受理时间": f"2026-{1 + i * 6 // n:02d}-{1 + i % 28:02d} 08:30",
                "诉求内容": said,
                "类别": label,
                "承办单位": label + "办",
                "办理结果": rng.choice(("已修好", "已告知", "退回")),
            }
        )
    return rows


def write(file: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> Path:
    """Write rows as CSV."""
    with file.open("w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


MAPPING = """
[columns]
text = ["诉求内容"]
levels = ["类别"]
time = "受理时间"
id = "工单号"
unit = "承办单位"
after_dispatch = ["办理结果"]
[training]
taxonomy = "labels"
"""


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared_home(engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A home for all tests of training; it knows the vectors of the shipped entries, which some of them answer from."""
    folder = tmp_path_factory.mktemp("train-home")
    take_vectors(request.config, folder)
    return folder


@pytest.fixture
def yousu(monkeypatch: pytest.MonkeyPatch, shared_home: Path):
    """The command line, over one home for all tests of training, so that texts are embedded once."""
    monkeypatch.setenv("YOUSU_HOME", str(shared_home))

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return run
