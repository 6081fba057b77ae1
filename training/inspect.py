"""Looking at a table before training: a proposed mapping, five tickets as they will be read, and all that is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from models.catalog import Catalog
from training.errors import TrainError
from training.intake import Ticket, read_tickets, resolve
from training.mapping import Mapping, load_mapping, propose
from training.tables import open_table


def inspect_table(source: str, out: Path, catalog: Catalog, *, encoding: str, sheet: str, table: str) -> list[str]:
    """Write the proposed mapping to `out` (or read the one that is there) and return what a person should see."""
    options = {k: v for k, v in (("encoding", encoding), ("sheet", sheet), ("table", table)) if v}
    if out.is_file():
        mapping = load_mapping(out)
        options = {**mapping.source, **options}
        opened = open_table(source, **options)
        lines = [f"按已有的映射 {out} 读取"]
    else:
        opened = open_table(source, **options)
        mapping = replace(propose(opened.columns), source=options)
        mapping.save(out, [f"{Path(source).name} 的映射,由 yousu train inspect 提出,请核对"])
        lines = [f"建议的映射已写入 {out},请核对后再训练"]
    lines += [f"列:{'、'.join(opened.columns)}", *opened.notes, *_roles(mapping)]
    try:
        mapping.check(opened.columns, source)
    except TrainError as error:
        return [*lines, f"需要修改:{error}"]
    intake = read_tickets(opened, mapping)
    lines.append(f"共 {intake.read} 行,可用 {len(intake.tickets)} 行")
    lines += [f"  第 {t.row} 行 {t.time or ''} [{' / '.join(t.path)}] {t.text[:60]}" for t in intake.tickets[:5]]
    for why, n in intake.left_out.items():
        first = next(f for f in intake.faults if f.what.split(":")[0] == why)
        lines.append(f"问题:{n} 行{why}(如第 {first.row} 行“{first.column}”:{first.what})")
    return lines + _labels(intake.tickets, mapping, catalog)


def _roles(mapping: Mapping) -> list[str]:
    named = (
        ("文字", "、".join(mapping.text)), ("标签", "、".join(mapping.labels)), ("时间", mapping.time),
        ("首派单位", mapping.unit), ("最终单位", mapping.final_unit), ("工单号", mapping.id),
        ("来电人", mapping.caller),
        ("派单后才有,不用于训练", "、".join(mapping.after_dispatch)),
    )  # fmt: skip
    return [f"  {name}:{columns or '(没有)'}" for name, columns in named]


def _labels(tickets: list[Ticket], mapping: Mapping, catalog: Catalog) -> list[str]:
    if not tickets:
        return ["问题:没有可用的行"]
    resolved = resolve(tickets, mapping, catalog)
    counts = Counter(t.path for t in tickets)
    where = "目录" if resolved.taxonomy == "catalog" else "表里的标签"
    lines = [f"分类体系取自{where},{len(counts)} 种标签"]
    rare = sum(n < 5 for n in counts.values())
    if rare:
        lines.append(f"提醒:{rare} 种标签不足 5 行")
    for label, n, near in resolved.unknown[:20]:
        lines.append(f"问题:目录里没有 {label}({n} 行);相近:{'、'.join(near) or '无'}")
    return lines
