"""The table "how good" of both READMEs, from the records of the shipped bundle and docs/measured.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs.sizing import between, newest, read_runs, trainings

BEGIN = "<!-- Figures: written by docs/generate.py from the bundle and docs/measured.json; do not edit. -->"
END = "<!-- End of figures. -->"
Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]
Row = tuple[str, str, str]

ENGLISH = {
    "head": ("what", "figure", "measured on"),
    "levels": "category right, level 1 to {n}",
    "unread": "{rows} written examples by authors of whom nothing was learned",
    "halves": "the same, learned from half of the authors only",
    "halves_of": "{rows} examples by the other half; part of their subjects had no example",
    "top3": "right leaf among the first three",
    "unit": "right unit first",
    "unit_of": "the same; right is what the catalogue says of the right leaf",
    "kind": "type of request right",
    "danger": "dangerous calls handed over at once",
    "alarms": "calls that only sound dangerous, handed over too",
    "calls": "{rows} written calls of which nothing was learned",
    "answered": "policy questions answered",
    "questions": "{rows} written questions that an entry answers, which the model had not seen",
    "right": "right among the answers",
    "off_topic": "questions that no entry answers, answered all the same",
    "off_topic_of": "{rows} more such questions",
    "call": "a call over HTTP, p50 / p99",
    "rate": "calls a second with 8 clients; memory of the process",
    "training": "a whole training on {n} tickets: time; peak of memory",
    "synthetic": "synthetic tickets; {machine}",
    "same": "the same",
    "words": (),
}  # fmt: skip
CHINESE = {
    "head": ("测什么", "结果", "在什么上测"),
    "levels": "诉求分类判对，一级至 {n} 级",
    "unread": "{rows} 条书写样例，其作者写的一条也没学过",
    "halves": "同上，但只学一半作者",
    "halves_of": "另一半作者的 {rows} 条样例，其中有的事由没有样例可学",
    "top3": "前三个末级里有对的",
    "unit": "首个单位派对",
    "unit_of": "同上；以目录里正确末级的职责为准",
    "kind": "诉求类型判对",
    "danger": "险情来电当即提示转接",
    "alarms": "只是听着像险情，也提示转接的",
    "calls": "{rows} 通书写的来电，都没学过",
    "answered": "政策问题给出答复",
    "questions": "{rows} 个书写的问题，都有条目能答，判断时没学过那一条",
    "right": "给出的答复里答对的",
    "off_topic": "没有条目能答却答了的",
    "off_topic_of": "另外 {rows} 个没有条目能答的问题",
    "call": "一通来电（HTTP）p50 / p99",
    "rate": "8 个客户端时每秒几通；进程占用内存",
    "training": "用 {n} 件工单训练一次：用时；内存峰值",
    "synthetic": "合成工单；{machine}",
    "same": "同上",
    "words": ((" cores", " 核"), ("load", "测前负载"), (" before", ""), (", ", "，")),
}  # fmt: skip
"""`words`: what is put in place of the English words of a run's machine."""


def figured(page: str, language: dict[str, Any], bundle: Path, measured: Path, table: Table) -> str:
    """Return a README with the table between its two marks; raises ValueError when a mark is missing."""
    rows = [*_learned(language, bundle), *_machine(language, read_runs(measured))]
    return between(page, BEGIN, END, ["", *table(language["head"], rows)])


def _learned(say: dict[str, Any], bundle: Path) -> list[Row]:
    """What the training measured on rows that its model had not seen."""
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    answers = json.loads((bundle / "answering.json").read_text(encoding="utf-8"))["metrics"]
    category, kind, danger = manifest["category"], manifest["request_type"], manifest["risk_check"]
    unread, halves = category["held_out_author"], category["author_batches_left_out"]
    off_topic = answers["off_topic_questions"]
    asked = answers["questions"] - off_topic
    fresh = say["unread"].format(rows=f"{unread['rows']:,}")
    return [
        (say["levels"].format(n=len(unread["levels"])), _levels(unread), fresh),
        (say["halves"], _levels(halves), say["halves_of"].format(rows=f"{halves['rows']:,}")),
        (say["top3"], _share(unread["leaf_top3"]), fresh),
        (say["unit"], _share(unread["dispatch"]["top1"]), say["unit_of"]),
        (say["kind"], _share(kind["accuracy"]), say["unread"].format(rows=f"{kind['rows']:,}")),
        (say["danger"], _share(danger["recall"]), say["calls"].format(rows=danger["dangerous"])),
        (say["alarms"], _share(danger["false_alarms"]), say["calls"].format(rows=danger["others"])),
        (say["answered"], _share(answers["answered"]), say["questions"].format(rows=f"{asked:,}")),
        (say["right"], _share(answers["right_among_answered"]), say["same"]),
        (
            say["off_topic"], _share(answers["off_topic_answered"]),
            say["off_topic_of"].format(rows=f"{off_topic:,}"),
        ),
    ]  # fmt: skip


def _machine(say: dict[str, Any], runs: dict[str, Any]) -> list[Row]:
    """What it takes, where that was measured."""
    rows: list[Row] = []
    if served := newest(runs, "yousu bench serve"):
        f = served["figures"]
        ms = f"{f['single call p50 (HTTP, ms)']} / {f['single call p99 (HTTP, ms)']} ms"
        rows += [
            (say["call"], ms, _where(say, served)),
            (say["rate"], f"{f['calls per second, 8 clients']}; {f['resident memory (MB)']} MB", say["same"]),
        ]
    sizes = trainings(runs)
    for n in sorted(sizes)[-2:]:
        m, run = sizes[n]
        told = f"{m['wall_s']:,.0f} s; {m['peak_mb'] / 1000:.1f} GB"
        rows.append((say["training"].format(n=f"{n:,}"), told, say["synthetic"].format(machine=_where(say, run))))
    return rows


def _where(say: dict[str, Any], run: dict[str, Any]) -> str:
    where = str(run["machine"])
    for english, word in say["words"]:
        where = where.replace(english, word)
    return where


def _share(value: float) -> str:
    return f"{_percent(value)} %"


def _percent(value: float) -> str:
    return f"{100 * float(f'{value:.3f}'):.1f}"  # rounded as the model card rounds


def _levels(found: dict[str, Any]) -> str:
    return " / ".join(_percent(level["accuracy"]) for level in found["levels"]) + " %"
