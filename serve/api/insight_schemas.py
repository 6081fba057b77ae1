"""What the routes of the dashboard take and give, typed and described; the field names are a contract."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serve.api.incoming import Incoming


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PeriodOut(_Out):
    """Days in the city's time, both included."""

    start: datetime.date = Field(description="第一天")
    end: datetime.date = Field(description="最后一天")


class DaysOut(PeriodOut):
    """A period and its length."""

    days: int = Field(description="天数")


class FigureDay(_Out):
    """A figure on one day."""

    day: datetime.date = Field(description="日期")
    part: float = Field(description="分子;计数的指标同 whole")
    whole: int = Field(description="分母;计数的指标即件数")


class FigureOut(_Out):
    """A figure with its definition and the numbers it comes from."""

    name: str = Field(description="指标名,`/v1/insight/rows` 的 figure", examples=["first_dispatch"])
    title: str = Field(description="指标的中文名", examples=["一次派单准确率"])
    definition: str = Field(description="怎样算出来")
    kind: Literal["count", "share"] = Field(description="count 件数 / share 比率")
    value: float | None = Field(description="件数,或 0 至 1 的比率;分母为 0 时空")
    part: float = Field(description="分子")
    whole: int = Field(description="分母")
    before: float | None = Field(description="上期(紧邻的等长期间)的值")
    year_before: float | None = Field(description="去年同期(往前 52 周)的值")
    days: list[FigureDay] = Field(description="按日")


class Share(_Out):
    """Tickets of one class of a breakdown."""

    key: str = Field(description="代码或名称")
    name: str = Field(description="名称")
    count: int = Field(description="本期件数")
    before: int | None = Field(description="上期件数")


class Breakdown(_Out):
    """Tickets by a dimension."""

    title: str = Field(description="按什么分")
    rows: list[Share] = Field(description="件数多的在前,最多 20 类")


class Cause(_Out):
    """Why tickets were returned or passed on."""

    reason: str = Field(description="原因")
    count: int = Field(description="件数")


class Move(_Out):
    """From which unit to which tickets moved."""

    first_unit: str = Field(description="首派单位")
    unit: str = Field(description="现承办单位")
    count: int = Field(description="件数")


class DriftMeasure(_Out):
    """How much one measure of the calls moved."""

    name: str = Field(description="度量名")
    title: str = Field(description="度量的中文名")
    index: float | None = Field(description="群体稳定性指数;件数不足时空")
    verdict: Literal["件数不足", "平稳", "留意", "已漂移"] = Field(description="判断")


class Drift(_Out):
    """Model drift: this period's calls against those of the period before."""

    definition: str = Field(description="怎样算、怎样判")
    calls: int = Field(description="本期来电")
    calls_before: int = Field(description="上期来电")
    bundles: list[str] = Field(description="本期用过的模型包版本")
    measures: list[DriftMeasure] = Field(description="各项度量")


class OverviewOut(_Out):
    """What the dashboard shows first."""

    period: DaysOut = Field(description="期间")
    figures: list[FigureOut] = Field(description="指标")
    breakdowns: dict[str, Breakdown] = Field(
        description="受理量按 category 一级分类、leaf 末级分类、district 区县、unit 承办单位、type 诉求类型"
    )
    causes: list[Cause] = Field(description="退单改派的原因")
    moves: list[Move] = Field(description="改派从哪里到哪里")
    drift: Drift = Field(description="模型漂移")


class RowOut(_Out):
    """A ticket, a call or an operator's choice behind a figure; what does not apply is left out."""

    seq: int = Field(description="行号")
    day: datetime.date = Field(description="日期")
    text: str = Field(description="内容(已脱敏)")
    name: str = Field(description="分类的名称")
    id: str = Field("", description="工单编号")
    at: datetime.datetime | None = Field(None, description="受理时间(UTC)")
    code: str = Field("", description="分类代码")
    request_type: str = Field("", description="诉求类型")
    unit: str = Field("", description="承办单位")
    district: str = Field("", description="区县")
    returned: bool = Field(False, description="是否被退回")
    community: str = Field("", description="小区或社区")
    first_unit: str = Field("", description="首派单位")
    reason: str = Field("", description="退回或改派的原因")
    closed_at: datetime.datetime | None = Field(None, description="办结时间(UTC)")
    contacted: bool | None = Field(None, description="是否联系过诉求人")
    solved: bool | None = Field(None, description="是否解决")
    satisfaction: str = Field("", description="满意程度")
    answered: bool = Field(False, description="来电:知识库是否给出答复")
    entry_id: str = Field("", description="来电:答复的条目")
    answer_confidence: float = Field(0.0, description="来电:答复的把握")
    depth: int = Field(0, description="来电:有把握的级数")
    category_confidence: float = Field(0.0, description="来电:分类的把握")
    bundle: str = Field("", description="来电:模型包版本")
    field: str = Field("", description="反馈:对哪一项")
    verdict: str = Field("", description="反馈:accept 采纳 / correct 改正")
    proposed: str = Field("", description="反馈:系统给的值")
    value: str = Field("", description="反馈:坐席认定的值")


class RowsOut(_Out):
    """The rows behind a figure."""

    count: int = Field(description="共几行")
    items: list[RowOut] = Field(description="最近的在前,最多 limit 行")


class CaseOut(_Out):
    """A ticket as a sample."""

    id: str = Field(description="工单编号")
    day: datetime.date = Field(description="受理日")
    text: str = Field(description="内容(已脱敏)")
    code: str = Field(description="分类代码")
    unit: str = Field(description="承办单位")
    district: str = Field(description="区县")
    reason: str = Field(description="退回或改派的原因")


class Count(_Out):
    """A name and how many."""

    name: str = Field(description="名称")
    count: int = Field(description="件数")


class TopicOut(_Out):
    """A cluster of like tickets."""

    name: str = Field(description="热点的名称:分类名加最有区别的词")
    code: str = Field(description="分类代码")
    count: int = Field(description="本期件数")
    before: int = Field(description="上期件数")
    growth: float | None = Field(description="较上期增长的倍数减 1;上期没有时空")
    callers: int = Field(description="已知的不同来电人;不知道时 0")
    districts: list[Count] = Field(description="区县,件数多的在前")
    samples: list[CaseOut] = Field(description="最有代表性的几件")


class TopicsOut(_Out):
    """Hot topics."""

    period: PeriodOut = Field(description="期间")
    items: list[TopicOut] = Field(description="比上期多出得多的在前")


class EventOut(_Out):
    """A proposal to merge tickets into one event."""

    kind: Literal["common", "repeat"] = Field(description="common 多人同一事由 / repeat 同一人重复")
    place: str = Field(description="地点")
    code: str = Field(description="分类代码")
    name: str = Field(description="分类的名称")
    why: str = Field(description="为什么提议")
    count: int = Field(description="件数")
    cases: list[CaseOut] = Field(description="其中的工单,最多 50 件")


class EventsOut(_Out):
    """Proposals; nothing is merged until a person says so."""

    items: list[EventOut] = Field(description="件数多的在前")


class CellOut(_Out):
    """A season in one place: this week's count against its history."""

    place: str = Field(description="小区、社区或街道")
    count: int = Field(description="本周件数")
    callers: int = Field(description="已知的不同来电人")
    expected: float = Field(description="历史每周的均值")
    upper: int = Field(description="历史所能解释的界限")
    probability: float = Field(description="历史照旧时,出现这么多或更多的概率")
    weeks: int = Field(description="历史有几周;0 = 没有历史,不判突增")
    alert: bool = Field(description="是否突增")
    cases: list[CaseOut] = Field(description="其中的工单,最多 10 件")


class SeasonOut(_Out):
    """A seasonal matter that is on or begins within a month."""

    season: str = Field(description="季节")
    topic: str = Field(description="事项")
    why: str = Field(description="缘由")
    watch: str = Field(description="预警看什么")
    action: str = Field(description="先办什么")
    begins: bool = Field(description="是否下月才开始")
    week: int = Field(description="本周件数")
    week_before: int = Field(description="上周件数")
    forecast: float = Field(description="下周预计件数")
    forecast_upper: int = Field(description="下周的上限")
    cells: list[CellOut] = Field(description="各地点,突增的在前,最多 50 处")


class SeasonsOut(_Out):
    """The seasonal watch (未诉先办)."""

    period: PeriodOut = Field(description="“本周”是哪七天")
    bound: str = Field(description="预期与界限怎样算")
    alpha: float = Field(description="误报的概率,设置 watch_alpha")
    least: int = Field(description="最少几件才报,设置 watch_least")
    items: list[SeasonOut] = Field(description="本月与下月的季节事项")


class MonthsOut(_Out):
    """Months something is known of."""

    items: list[str] = Field(description="YYYY-MM,最近的在前")


class TotalsOut(_Out):
    """A month as counted; empty = not known."""

    month: str = Field(description="月份,YYYY-MM")
    received: int = Field(description="受理件")
    closed: int = Field(description="办结件")
    followed: int | None = Field(description="回访有效件")
    contacted: int | None = Field(description="已联系件")
    solved: int | None = Field(description="已解决件")
    satisfied: int | None = Field(description="满意")
    partly: int | None = Field(description="基本满意")
    dissatisfied: int | None = Field(description="不满意")
    closed_rate: float | None = Field(description="来源所给的办结率,百分数")
    response_rate: float | None = Field(description="来源所给的响应率")
    solved_rate: float | None = Field(description="来源所给的解决率")
    satisfied_rate: float | None = Field(description="来源所给的满意率")
    source: str = Field(description="来源")


class RateOut(_Out):
    """A rate in percent."""

    name: str = Field(description="名称")
    title: str = Field(description="中文名")
    value: float | None = Field(description="百分数:有件数就由件数算,否则是来源所给的")
    formula: str = Field(description="公式")
    stated: float | None = Field(description="来源所给的百分数")
    note: str = Field(description="所给的与件数不符、或无从核对时说明")


class MonthOut(_Out):
    """A month's rates beside those of the month before."""

    totals: TotalsOut = Field(description="合计")
    rates: dict[str, RateOut] = Field(description="closed_rate、response_rate、solved_rate、satisfied_rate")
    change: dict[str, float | None] = Field(description="各率较上月的百分点;没有上月时空")
    verdict: str = Field(description="响应率、解决率、满意率较上月的升降", examples=["两升一降"])


class OutcomeIn(Incoming):
    """What became of a ticket."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"ticket_id": "T2026112400031", "first_unit": "城西区住建局", "reason": "不属本单位职责"}]
        },
    )
    ticket_id: str = Field(min_length=1, max_length=64, description="工单编号")
    caller: str = Field("", max_length=64, description="来电人代号,如平台给的号码散列;不可是号码")
    community: str = Field("", max_length=64, description="小区或社区")
    first_unit: str = Field("", max_length=100, description="首派单位")
    reason: str = Field("", max_length=200, description="退回或改派的原因")
    closed_at: datetime.datetime | None = Field(None, description="办结时间")
    contacted: bool | None = Field(None, description="承办单位是否联系过诉求人")
    solved: bool | None = Field(None, description="诉求人认为是否解决")
    satisfaction: Literal["", "满意", "基本满意", "不满意"] = Field("", description="满意程度")


class OutcomesIn(Incoming):
    """Outcomes of several tickets."""

    outcomes: list[OutcomeIn] = Field(min_length=1, max_length=1000, description="一次最多 1000 件")


class RejectedOutcome(_Out):
    """An outcome that was set aside."""

    ticket_id: str = Field(description="工单编号")
    reason: str = Field(description="应为什么、实为什么")


class OutcomesStored(_Out):
    """What was stored and what was not."""

    stored: int = Field(description="存入件数")
    rejected: list[RejectedOutcome] = Field(description="搁置的及其原因")
