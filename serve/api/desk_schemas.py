"""What the routes of the knowledge desk and the panel take and give, typed and described; the names are a contract."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serve.api.incoming import Incoming
from serve.api.schemas import RouteOut
from serve.sessions import MAX_TEXT


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Handling(Incoming):
    """What is done with an unanswered question."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"action": "close", "note": "不属热线受理", "who": "编辑"}]}
    )
    action: Literal["assign", "close"] = Field(description="assign 领走 / close 关闭")
    who: str = Field("", max_length=64, description="操作人;启用密钥后不必写")
    assignee: str = Field("", max_length=64, description="由谁写条目;空 = 操作人")
    entry_id: str = Field("", max_length=64, description="为它写的条目")
    note: str = Field("", max_length=1000, description="关闭而没有条目时的说明")


class UnansweredOut(_Out):
    """A cluster of like questions that were not answered."""

    id: int = Field(description="簇的编号")
    sample: str = Field(description="其中最近的一问(已脱敏)")
    asked: int = Field(description="问过几次")
    first_at: datetime.datetime = Field(description="最早(UTC)")
    last_at: datetime.datetime = Field(description="最近(UTC)")
    status: Literal["open", "assigned", "closed"] = Field(description="open 待领 / assigned 在写 / closed 已关闭")
    assignee: str = Field(description="谁在写")
    entry_id: str = Field(description="为它写的条目")
    note: str = Field(description="关闭的说明")
    handled_by: str = Field(description="谁最后处理")
    entry_status: Literal["", "draft", "review", "published", "retired", "missing"] = Field(
        description="那个条目的状态;missing 条目已不在"
    )


class UnansweredList(_Out):
    """The queue of unanswered questions."""

    items: list[UnansweredOut] = Field(description="问得多的在前")


class KindCount(_Out):
    """How many findings of a kind there are."""

    kind: str = Field(description="哪一种", examples=["expired"])
    name: str = Field(description="中文名", examples=["已过期"])
    count: int = Field(description="几条")


class FindingOut(_Out):
    """Something about an entry that wants to be looked at."""

    kind: str = Field(description="哪一种")
    name: str = Field(description="这一种的中文名")
    entry_id: str = Field(description="条目编号")
    question: str = Field(description="题目")
    detail: str = Field(description="说明")
    other: str = Field(description="另一个条目,如果有")


class HealthOut(_Out):
    """What is wrong with the published entries."""

    counts: list[KindCount] = Field(description="每一种几条")
    items: list[FindingOut] = Field(description="最多 1000 条")


class Piece(Incoming):
    """A piece of a transcript, as speech recognition gives it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "我家暖气不热,", "final": True}]}
    )
    text: str = Field(max_length=MAX_TEXT, description="这一句的文字;未定稿的会被下一次推送替换")
    final: bool = Field(False, description="这一句是否已定稿")


class Heard(_Out):
    """The transcript after a piece."""

    session: str = Field(description="通话编号")
    sequence: int = Field(description="第几次推送")
    text: str = Field(description="到此为止的全文")


class Corrected(Incoming):
    """A call whose category the operator has chosen."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "暖气不热", "code": "0101010101", "district": ""}]}
    )
    text: str = Field(description="来电文字")
    code: str = Field(description="坐席选定的分类代码,任意一级")
    district: str = Field("", description="已知的区县名")


class Rerouted(_Out):
    """The route under the category that the operator chose."""

    route: RouteOut = Field(description="派单")


class FoundOut(_Out):
    """A category or a unit."""

    code: str = Field(description="代码")
    name: str = Field(description="名称")
    level: int = Field(description="第几级")
    names: list[str] = Field(description="从第一级到它的各级名称")
    path: list[str] = Field(description="从第一级到它的各级代码")


class FoundList(_Out):
    """What a search of the catalogue found."""

    results: list[FoundOut] = Field(description="最像的在前,最多 60 项")


class Choices(_Out):
    """Fixed choices of the panel."""

    city: str = Field(description="城市")
    levels: list[str] = Field(description="分类各级的名称")
    districts: list[str] = Field(description="区县")
    request_types: list[str] = Field(description="诉求类型")
