"""The dashboard as an Excel workbook: the same figures as the page, each with its definition."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any


def workbook(overview: dict[str, Any]) -> bytes:
    """Return the bytes of an .xlsx made from what `Insight.overview` gives; texts are never taken for formulas."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)

    def sheet(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        page = book.create_sheet(title)
        page.append(list(headings))
        for row in rows:
            cells = []
            for value in row:
                cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub(" ", value) if isinstance(value, str) else value)
                if isinstance(value, str):
                    cell.data_type = "s"
                cells.append(cell)
            page.append(cells)

    period, found = overview["period"], overview["figures"]
    sheet(
        "指标", ["指标", "值", "分子", "分母", "上期", "去年同期", "定义", "期间"],
        [
            [f["title"], f["value"], f["part"], f["whole"], f["before"], f["year_before"], f["definition"],
             f"{period['start']} 至 {period['end']}"]
            for f in found
        ],
    )  # fmt: skip
    days = [d["day"] for d in found[0]["days"]]
    headings = ["日期"]
    for f in found:
        headings += [f["title"]] if f["kind"] == "count" else [f"{f['title']} 分子", f"{f['title']} 分母"]
    rows = []
    for i, day in enumerate(days):
        row: list[Any] = [day]
        for f in found:
            at = f["days"][i]
            row += [at["whole"]] if f["kind"] == "count" else [at["part"], at["whole"]]
        rows.append(row)
    sheet("按日", headings, rows)
    for table in overview["breakdowns"].values():
        sheet(
            table["title"], ["代码", table["title"], "件数", "上期件数"],
            [[r["key"], r["name"], r["count"], r["before"]] for r in table["rows"]],
        )  # fmt: skip
    sheet("退单改派原因", ["原因", "件数"], [[r["reason"], r["count"]] for r in overview["causes"]])
    sheet(
        "改派去向",
        ["首派单位", "改派单位", "件数"],
        [[r["first_unit"], r["unit"], r["count"]] for r in overview["moves"]],
    )
    drift = overview["drift"]
    sheet(
        "模型漂移", ["度量", "指数", "判断", "定义"],
        [[m["title"], m["index"], m["verdict"], drift["definition"]] for m in drift["measures"]],
    )  # fmt: skip
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
