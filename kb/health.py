"""What is wrong with the knowledge base as it stands: expired, expiring, contradicting, orphaned, never hit."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.entry import KnowledgeEntry
from kb.importing import Known
from kb.relations import Relation

EXPIRES_SOON = 30
"""Days before its end from which an entry counts as expiring."""
KINDS = {
    "expired": "已过期", "expiring": "即将到期", "conflict": "数字冲突", "superseded": "已有更新条目",
    "orphaned": "分类或部门不在目录", "never_hit": "从未命中",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something to be looked at; `kind` is a key of `KINDS`, `other` the second entry, if there is one."""

    kind: str
    entry_id: str
    question: str
    detail: str
    other: str = ""


def check(
    entries: Sequence[KnowledgeEntry], known: Known, relations: Mapping[str, Sequence[Relation]],
    hits: Mapping[str, int], *, today: datetime.date, window: int = EXPIRES_SOON,
) -> list[Finding]:  # fmt: skip
    """Return what is wrong with published `entries`, by kind; a conflict is told once for both."""
    found: list[Finding] = []
    for entry in entries:
        end = entry.effective_to
        if end and end < today:
            found.append(Finding("expired", entry.id, entry.question, f"{end} 到期"))
        elif end and (end - today).days <= window:
            found.append(Finding("expiring", entry.id, entry.question, f"{end} 到期,还有 {(end - today).days} 天"))
        for relation in relations.get(entry.id, ()):
            if relation.kind != "conflict" or entry.id < relation.entry.id:
                found.append(Finding(relation.kind, entry.id, entry.question, relation.warning, relation.entry.id))
        for column, _, name in known.faults(entry):
            found.append(Finding("orphaned", entry.id, entry.question, f"{column} {name}"))
        if not hits.get(entry.id) and not (end and end < today):
            found.append(Finding("never_hit", entry.id, entry.question, ""))
    order = list(KINDS)
    return sorted(found, key=lambda f: (order.index(f.kind), f.entry_id))
