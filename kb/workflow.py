"""The rules of an entry's life: which transition is allowed to whom, and what differs between versions; no database."""

from __future__ import annotations

from dataclasses import dataclass

from kb.entry import COLUMNS, KnowledgeEntry, row_faults, to_row

TRANSITIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "submit": (("draft",), "review"),
    "return": (("review",), "draft"),
    "publish": (("review",), "published"),
    "retire": (("draft", "review", "published"), "retired"),
    "reopen": (("retired",), "draft"),
}
"""Action -> (statuses it may start from, status it leads to)."""
STATUS_NAMES = {"draft": "草稿", "review": "待审核", "published": "已发布", "retired": "已停用"}
ACTION_NAMES = {
    "create": "新建", "edit": "修改", "import": "导入", "restore": "恢复旧版", "submit": "提交审核", "return": "退回",
    "publish": "发布", "retire": "停用", "reopen": "重新起草",
}  # fmt: skip


class StoreError(ValueError):
    """A change that is refused; the message says why and what would be accepted."""


class UnknownEntryError(StoreError):
    """There is no such entry or version."""


class NotAllowedError(StoreError):
    """The workflow does not allow this, from this status or to this person."""


class StaleError(StoreError):
    """Somebody changed the entry first; `revision` is the current one."""

    def __init__(self, entry_id: str, expected: int, revision: int) -> None:
        super().__init__(f"条目 {entry_id} 已被他人改过:应为修订 {expected},现为修订 {revision};请重新打开后再改")
        self.revision = revision


@dataclass(frozen=True)
class FieldChange:
    """A field that differs between two versions."""

    field: str
    before: str
    after: str


def next_status(action: str, entry: KnowledgeEntry, author: str, who: str) -> str:
    """Return the status that `action` by `who` leads to; raises NotAllowedError when it may not be done."""
    if action not in TRANSITIONS:
        raise NotAllowedError(f"没有操作 {action},可用:{'、'.join(TRANSITIONS)}")
    sources, target = TRANSITIONS[action]
    if entry.status not in sources:
        allowed = "、".join(STATUS_NAMES[s] for s in sources)
        raise NotAllowedError(
            f"条目 {entry.id} {ACTION_NAMES[action]}:应为{allowed}状态,实为{STATUS_NAMES[entry.status]}"
        )
    if action == "publish" and who == author:
        raise NotAllowedError(f"条目 {entry.id} 的当前内容由 {author} 起草,须由他人审核发布")
    if action == "publish" and (faults := row_faults({**to_row(entry), "status": "published"})):
        column, expected, found = faults[0]
        raise NotAllowedError(f"条目 {entry.id} 不能发布:{column} 应为 {expected},实为 {found}")
    return target


def diff(before: KnowledgeEntry, after: KnowledgeEntry) -> list[FieldChange]:
    """Return the fields that differ, in the order of the columns."""
    a, b = to_row(before), to_row(after)
    return [FieldChange(c, a[c], b[c]) for c in COLUMNS if a[c] != b[c]]
