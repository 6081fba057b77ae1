"""What the routes of tickets take and give, typed and described; the field names are a contract."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serve.api.incoming import Incoming
from serve.api.schemas import RequestType


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TicketIn(Incoming):
    """An accepted ticket."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "T2026112400031", "text": "城西区虎台街道路灯不亮", "request_type": "投诉",
                    "district": "城西区", "accepted_at": "2026-11-24T08:30:00Z",
                }
            ]
        },
    )  # fmt: skip
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(description="工单编号;再送一次即更新")
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(description="诉求内容;存前脱敏")
    code: Annotated[str, StringConstraints(max_length=32)] = Field("", description="末级代码")
    request_type: RequestType = Field("", description="诉求类型")
    unit: Annotated[str, StringConstraints(max_length=100)] = Field("", description="承办单位")
    district: Annotated[str, StringConstraints(max_length=32)] = Field("", description="区县")
    returned: bool = Field(False, description="是否被承办单位退回")
    accepted_at: datetime.datetime | None = Field(None, description="受理时间;默认现在")


class TicketsIn(Incoming):
    """Many tickets."""

    tickets: Annotated[list[TicketIn], Field(min_length=1, max_length=1000)] = Field(description="一次最多 1000 件")


class RejectedTicket(_Model):
    """A ticket that was set aside."""

    id: str = Field(description="工单编号")
    reason: str = Field(description="应为什么、实为什么")


class TicketsStored(_Model):
    """The outcome of a bulk write."""

    stored: int = Field(description="存入件数")
    rejected: list[RejectedTicket] = Field(description="搁置的及其原因")


class TicketOut(_Model):
    """A stored ticket."""

    id: str = Field(description="工单编号")
    text: str = Field(description="诉求内容(已脱敏)")
    code: str = Field(description="末级代码")
    request_type: str = Field(description="诉求类型")
    unit: str = Field(description="承办单位")
    district: str = Field(description="区县")
    returned: bool = Field(description="是否被退回")
    accepted_at: datetime.datetime = Field(description="受理时间(UTC)")


class TicketPage(_Model):
    """A page of tickets."""

    items: list[TicketOut] = Field(description="按存入先后")
    next: str | None = Field(description="下一页的游标;没有更多时为空")
