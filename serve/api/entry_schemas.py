"""What the routes of entries and bundles take and give, typed and described; the field names are a contract."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serve.api.incoming import Incoming

Cell = Annotated[str, StringConstraints(max_length=10_000)]
Status = Literal["draft", "review", "published", "retired"]
Format = Literal["csv", "xlsx", "jsonl"]
_WHY = "政策原文改了办理时限"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EntryCells(Incoming):
    """An entry as its file holds it: every value is text, several values are joined by `;`, dates are YYYY-MM-DD."""

    id: Cell = Field("", description="编号;以路径里的为准")
    question: Cell = Field("", description="标准问", examples=["居住证怎么办理"])
    aliases: Cell = Field("", description="别的问法,用 ; 隔开")
    answer: Cell = Field("", description="可以照读的答复")
    basis: Cell = Field("", description="依据(文号、条款)")
    department: Cell = Field("", description="主管部门")
    category: Cell = Field("", description="分类代码")
    region: Cell = Field("", description="只适用的区县;空 = 全市")
    effective_from: Cell = Field("", description="生效日")
    effective_to: Cell = Field("", description="失效日")
    keywords: Cell = Field("", description="关键词,用 ; 隔开")
    status: Cell = Field("", description="状态;存时一律为草稿")
    verification: Cell = Field("", description="核定情况")
    verified_at: Cell = Field("", description="核定日")
    reviewer: Cell = Field("", description="审核人;由发布者决定,写了不算")
    source: Cell = Field("", description="来源")


class _Change(Incoming):
    who: Annotated[str, StringConstraints(max_length=64)] = Field(
        "", description="操作人;启用密钥后以密钥的主人为准,不必写"
    )
    why: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        description="原因;存前脱敏", examples=[_WHY]
    )
    expected: int | None = Field(None, ge=0, description="改的是哪个修订;0 = 新条目;也可用 If-Match 给出")


class EntryIn(_Change):
    """New content of an entry."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "entry": {"question": "居住证怎么办", "answer": "到居住地派出所申请。", "basis": "居住证暂行条例"},
                    "why": "新政策", "expected": 0,
                }
            ]
        },
    )  # fmt: skip
    entry: EntryCells = Field(description="条目的各列")


class MoveIn(_Change):
    """A step of the workflow."""

    action: Literal["submit", "return", "publish", "retire", "reopen"] = Field(
        description="submit 送审 / return 退回 / publish 发布 / retire 停用 / reopen 重开"
    )


class RestoreIn(_Change):
    """Which version becomes a draft again."""

    revision: int = Field(ge=1, le=2**31 - 1, description="修订号")


class EntryOut(_Model):
    """An entry as the store holds it."""

    entry: EntryCells = Field(description="条目的各列")
    revision: int = Field(description="修订号,也是 ETag")
    author: str = Field(description="当前内容由谁起草")
    live: int | None = Field(description="正在据以答复的修订;没有则为空")
    changed_at: datetime.datetime = Field(description="何时改的(UTC)")


class EntryPage(_Model):
    """A page of entries."""

    items: list[EntryOut] = Field(description="按编号")
    next: str | None = Field(description="下一页的游标;没有更多时为空")
    count: int = Field(description="符合条件的共几条")


class VersionOut(_Model):
    """A version of an entry."""

    revision: int = Field(description="修订号")
    action: str = Field(description="create / edit / import / restore / submit / return / publish / retire / reopen")
    who: str = Field(description="谁")
    why: str = Field(description="为什么")
    at: datetime.datetime = Field(description="何时(UTC)")
    entry: EntryCells = Field(description="那一版的各列")


class VersionList(_Model):
    """The versions of an entry."""

    items: list[VersionOut] = Field(description="新的在前")


class Difference(_Model):
    """A column that differs."""

    field: str = Field(description="哪一列")
    before: str = Field(description="前一版")
    after: str = Field(description="后一版")


class Comparison(_Model):
    """What differs between two versions."""

    before: int = Field(description="前一版的修订号")
    after: int = Field(description="后一版的修订号")
    differences: list[Difference] = Field(description="不同的各列")


class FaultOut(_Model):
    """What is wrong in a row of a file."""

    row: int = Field(description="第几行;表头是第 1 行")
    column: str = Field(description="哪一列")
    expected: str = Field(description="应为什么")
    found: str = Field(description="实为什么(已脱敏)")


class AsideOut(_Model):
    """A row that was set aside, as it stands in the file that was sent, so that it can be mended and sent again."""

    row: int = Field(description="第几行;表头是第 1 行")
    cells: dict[str, str] = Field(description="这一行各列的内容")
    reason: str = Field(description="为什么搁置(已脱敏)")


class ImportOut(_Model):
    """What an import did, or would do."""

    rows: int = Field(description="共几行")
    new: int = Field(description="新增几条")
    changed: int = Field(description="修改几条")
    unchanged: int = Field(description="未变几条")
    set_aside: int = Field(description="搁置几行")
    faults: list[FaultOut] = Field(description="每一处错误,按行;最多 2000 处")
    ignored: list[str] = Field(description="没有用到的列")
    headings: list[str] = Field(description="文件的各列")
    aside: list[AsideOut] = Field(description="搁置的行,供修改后再导入;最多 2000 行,只回给发送者,不保存")
    dry_run: bool = Field(description="是否只检查、未入库")


class HitTestQuestion(Incoming):
    """A question to try."""

    question: Annotated[str, StringConstraints(min_length=1, max_length=4000)] = Field(description="问题")
    expected: Annotated[str, StringConstraints(max_length=64)] = Field("", description="期望条目;空 = 不该答")


class HitTestIn(Incoming):
    """Questions to try on the entries that are answered from now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"questions": [{"question": "居住证在哪办", "expected": ""}]}]},
    )
    questions: Annotated[list[HitTestQuestion], Field(min_length=1, max_length=200)] = Field(
        description="一次最多 200 问"
    )
    on: datetime.date | None = Field(None, description="按哪一天;默认今天")
    district: Annotated[str, StringConstraints(max_length=32)] = Field("", description="来电区县")


class Candidate(_Model):
    """An entry that was found."""

    entry_id: str = Field(description="条目编号")
    question: str = Field(description="标准问")
    score: float = Field(description="向量余弦")


class HitTested(_Model):
    """How one question did."""

    question: str = Field(description="问题(已脱敏)")
    expected: str = Field(description="期望条目")
    rank: int = Field(description="期望条目排第几;0 = 前五里没有")
    answered: bool = Field(description="会不会作答")
    confidence: float = Field(description="第一条的把握")
    top: list[Candidate] = Field(description="前五条")


class HitTestOut(_Model):
    """How all questions did."""

    items: list[HitTested] = Field(description="按送来的次序")
    totals: dict[str, Any] = Field(description="合计:hit@1、hit@3、hit@5、mrr@5、answered 等")


class BundleOut(_Model):
    """A bundle of this installation."""

    version: str = Field(description="版本")
    made_at: str = Field(description="何时训练")
    rows: int | None = Field(description="用了多少件工单")
    accuracy: list[float] = Field(description="留出工单上各级的准确率,从一级起")
    current: bool = Field(description="是否正在使用")


class BundleEvent(_Model):
    """A change of the bundle in use."""

    at: str = Field(description="何时(UTC)")
    what: str = Field(description="promote 启用 / rollback 退回 / refused 未予启用")
    version: str = Field(description="到哪一版")
    who: str = Field(description="谁")
    why: str = Field(description="为什么")
    reasons: list[str] = Field(description="未予启用的理由")


class BundleList(_Model):
    """The bundles of this installation."""

    items: list[BundleOut] = Field(description="旧的在前;shipped 为随程序附带的")
    events: list[BundleEvent] = Field(description="最近 20 次变更,旧的在前")


class RollbackIn(Incoming):
    """Why the bundle is changed."""

    who: Annotated[str, StringConstraints(max_length=64)] = Field("", description="操作人;启用密钥后不必写")
    why: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(description="为什么;存前脱敏")


class PromoteIn(RollbackIn):
    """Which bundle to take into use."""

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,63}$")] = Field(description="版本")
    new_taxonomy: bool = Field(False, description="允许换成另一套分类体系(无法逐件比较)")


class BundleChanged(_Model):
    """The bundle in use after a change."""

    version: str = Field(description="现在使用的版本")
    told: str = Field(description="比较与启用的说明")
