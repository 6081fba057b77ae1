"""The notebooks run from top to bottom, and what is stored in them says nothing of the machine it was made on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from notebooks import charts
from notebooks.execute import execute
from tests.conftest import ROOT, take_vectors

BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def outputs(file: Path) -> list[tuple[str, str]]:
    """Source and output, as text, of every cell of code."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [
        ("".join(c["source"]), json.dumps(c["outputs"], ensure_ascii=False)) for c in cells if c["cell_type"] == "code"
    ]


def test_all_four_are_there() -> None:
    assert [b.stem for b in BOOKS] == ["errors", "knowledge-health", "quickstart", "retraining"]


@pytest.mark.parametrize("file", BOOKS, ids=lambda f: f.stem)
def test_outputs_are_stored_without_errors_paths_times_or_warnings(file: Path) -> None:
    cells = outputs(file)
    assert sum(made != "[]" for _, made in cells) > len(cells) / 2
    for source, made in cells:
        for unwanted in (r'"error"', r'"stderr"', r"/(?:home|root|tmp|work|srv|Users)/", r"\d\d:\d\d:\d\d"):
            assert not re.search(unwanted, made), (unwanted, source, made[:300])


@pytest.mark.parametrize("file", BOOKS, ids=lambda f: f.stem)
def test_every_notebook_shows_a_picture_without_a_script_and_no_output_is_large(file: Path) -> None:
    made = [output for _, output in outputs(file)]
    assert any("image/svg+xml" in output for output in made)
    assert not any("<script" in output for output in made)
    assert max(map(len, made)) < 100_000


def drawn(chart: charts.Chart) -> ElementTree.Element:
    """The picture, which must be well-formed whatever the names in it are."""
    return ElementTree.fromstring(chart.svg)


def boxes(chart: charts.Chart) -> list[float]:
    """Widths of the coloured boxes in a picture."""
    return [float(r.get("width", "")) for r in drawn(chart).findall(".//{*}rect") if r.get("fill") in charts.COLOURS]


def test_bars_are_as_long_as_their_shares_and_names_are_only_text() -> None:
    chart = charts.bars("各级<把握>", [charts.Bar("一级 & 二级", 0.5, 0.4, 0.6, "3 类"), charts.Bar("三级", 1.0)])
    half, whole = boxes(chart)
    assert half == pytest.approx(whole / 2, abs=0.1)
    words = [t.text for t in drawn(chart).findall(".//{*}text")]
    assert {"各级<把握>", "一级 & 二级", "50% 3 类", "100%"} <= set(words)
    assert repr(chart) == "各级<把握>:一级 & 二级 50% 3 类(40%–60%);三级 100%"


def test_parts_of_a_bar_follow_their_counts_and_nothing_is_drawn_for_none() -> None:
    chart = charts.stacked("条目", [("甲局", (3, 1)), ("乙局", (2, 0))], ("对", "错"))
    legend, sizes = boxes(chart)[:2], boxes(chart)[2:]
    assert legend == [12.0, 12.0]
    assert sizes == pytest.approx([sizes[0], sizes[0] / 3, sizes[0] * 2 / 3], abs=0.1)
    assert repr(chart) == "条目:甲局 对 3、错 1;乙局 对 2"


def test_a_square_of_counts_tells_the_commonest_mistakes_first() -> None:
    chart = charts.heat("混淆", ["甲", "乙", "丙"], [[5, 1, 0], [3, 4, 0], [0, 0, 2]], down="应为", across="说成")
    assert repr(chart) == "混淆:乙 说成 甲 3;甲 说成 乙 1"
    assert {"5", "1", "3", "4", "2"} <= {t.text for t in drawn(chart).findall(".//{*}text")}


def test_a_curve_stays_within_its_axes() -> None:
    line = charts.Line("准确率", [100, 800], [0.2, 1.0], [0.1, 0.9], [0.3, 1.0])
    chart = charts.curves("曲线", [line], across="件", up="准确率", counts=True)
    dots = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in drawn(chart).findall(".//{*}circle")]
    assert dots[0][0] < dots[1][0] <= charts.WIDTH
    assert dots[0][1] > dots[1][1] >= 0
    assert len(list(drawn(chart).findall(".//{*}polygon"))) == 1


def test_a_table_shows_texts_whole_and_escaped() -> None:
    made = charts.table([{"句子": "<b>" + "长" * 90, "条数": 3}])
    assert "&lt;b&gt;" + "长" * 90 in made.html
    assert repr(made).splitlines() == ["句子 | 条数", "<b>" + "长" * 90 + " | 3"]
    assert repr(charts.table([])) == "无"


@pytest.mark.notebooks
@pytest.mark.parametrize("file", BOOKS, ids=lambda f: f.stem)
def test_every_cell_runs(file: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> None:
    home = tmp_path_factory.getbasetemp() / "notebooks"
    if not home.exists():
        take_vectors(request.config, home)
    book = execute(file, home)
    assert all(o["output_type"] != "error" for c in book.cells if c.cell_type == "code" for o in c.outputs)
