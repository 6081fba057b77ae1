"""Routes of the dashboard: figures and the rows behind them, topics, events, the seasonal watch, months, exports."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from serve import audit
from serve.api import insight_schemas as shapes
from serve.api.deps import InfoOf, RuntimeOf, json_only, unhurried
from serve.api.incoming import IN_YEARS, STORABLE
from serve.api.problems import replies
from serve.api.replies import reply
from serve.inputs import InputError
from serve.insight import figures, outcomes, seasons
from serve.insight.cases import Case, Period, Scope
from serve.insight.desk import Insight
from serve.insight.export import workbook
from serve.insight.monthly import MONTH
from serve.insight.report import report_html
from serve.insight.word import report_docx
from serve.runtime import Runtime

router = APIRouter(
    prefix="/v1", tags=["看板"], responses=replies(401, 403, 422, 429, 503), dependencies=[Depends(unhurried)]
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_FILE = {"schema": {"type": "string", "format": "binary"}}
EXPORT_REPLIES: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: _FILE}}}
REPORT_REPLIES: dict[int | str, dict[str, Any]] = {
    **replies(404),
    200: {"content": {"text/html": {"schema": {"type": "string"}}, DOCX: _FILE}},
}
MOST_DAYS = 1100
Day = Annotated[datetime.date | None, Query(description="YYYY-MM-DD,本地日"), IN_YEARS]


def insight_of(request: Request) -> Insight:
    """Return the insight of the process, made at its first use."""
    state = request.app.state
    if not hasattr(state, "insight"):
        runtime: Runtime = state.runtime
        state.insight = Insight(runtime.records, lambda: runtime.engine)
    return state.insight


InsightOf = Annotated[Insight, Depends(insight_of)]


def period_of(
    insight: InsightOf, start: Day = None, end: Day = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="不给 start 时,到 end 为止几天")] = 30,
) -> Period:  # fmt: skip
    """Return the period a route was asked for; raises 422 when it ends before it starts or is too long."""
    period = insight.period(start, end, days)
    if not 1 <= period.days <= MOST_DAYS:
        raise HTTPException(422, f"start、end: 应为 1 至 {MOST_DAYS} 天,实为 {period.days} 天")
    return period


def week_of(
    insight: InsightOf, start: Day = None, end: Day = None, days: Annotated[int, Query(ge=1, le=93)] = 7
) -> Period:
    """Return the period of a route that looks at a week unless told otherwise."""
    return period_of(insight, start, end, days)


def scope_of(
    category: Annotated[str, Query(max_length=20, description="分类代码或其开头"), STORABLE] = "",
    district: Annotated[str, Query(max_length=32), STORABLE] = "",
    unit: Annotated[str, Query(max_length=100), STORABLE] = "",
) -> Scope:
    """Return the narrowing a route was asked for."""
    return Scope(category, district, unit)


PeriodOf = Annotated[Period, Depends(period_of)]
WeekOf = Annotated[Period, Depends(week_of)]
ScopeOf = Annotated[Scope, Depends(scope_of)]


def case_json(case: Case) -> dict[str, Any]:
    """Return what is shown of a ticket; the caller's pseudonym stays inside."""
    return {n: getattr(case, n) for n in ("id", "day", "text", "code", "unit", "district", "reason")}


@router.get("/insight/figures", summary="指标:定义、值、按日,与上期和去年同期", response_model=shapes.OverviewOut)
async def overview(insight: InsightOf, period: PeriodOf, scope: ScopeOf) -> Response:
    """Return what the dashboard shows first."""
    return reply(await asyncio.to_thread(insight.overview, period, scope))


@router.get("/insight/rows", summary="一个指标背后的工单、来电或反馈", response_model=shapes.RowsOut)
async def rows(
    insight: InsightOf, runtime: RuntimeOf, info: InfoOf, period: PeriodOf, scope: ScopeOf,
    figure: Annotated[str, Query(max_length=40, description="指标名"), STORABLE],
    which: Annotated[Literal["whole", "part", "rest"], Query(description="分母、分子,或分母里不在分子的")] = "whole",
    day: Day = None, limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:  # fmt: skip
    """Return the newest rows and how many there are; looking is noted in the audit trail."""
    if figure not in insight.figures():
        raise HTTPException(422, f"figure: 应为 {'、'.join(insight.figures())},实为 {figure}")

    def read() -> dict[str, Any]:
        found = insight.behind(figure, period, scope, which, day)
        detail: dict[str, object] = {"figure": figure, "which": which, "rows": min(limit, len(found))}
        audit.record(runtime.records, who=info.who, what="insight.rows", detail=detail, request_id=info.request_id)
        return {"count": len(found), "items": found[:limit]}

    return reply(await asyncio.to_thread(read))


@router.get("/insight/topics", summary="本期热点", response_model=shapes.TopicsOut)
async def topics(insight: InsightOf, period: WeekOf, scope: ScopeOf) -> Response:
    """Return clusters of like tickets, by how many they gained."""
    found = await asyncio.to_thread(insight.topics, period, scope)
    items = [
        {
            "name": t.name, "code": t.code, "count": t.count, "before": t.before, "growth": t.growth,
            "callers": t.callers, "districts": [{"name": d, "count": n} for d, n in t.districts],
            "samples": [case_json(c) for c in t.samples],
        }
        for t in found
    ]  # fmt: skip
    return reply({"period": {"start": str(period.start), "end": str(period.end)}, "items": items})


@router.get("/insight/events", summary="可并为一个事件的工单", response_model=shapes.EventsOut)
async def events(insight: InsightOf, period: WeekOf, scope: ScopeOf) -> Response:
    """Return proposals; nothing is merged here."""
    found = await asyncio.to_thread(insight.events, period, scope)
    names = insight.catalog.nodes
    items = [
        {
            "kind": e.kind, "place": e.place, "code": e.code,
            "name": names[e.code].name if e.code in names else "", "why": e.why,
            "count": len(e.cases), "cases": [case_json(c) for c in e.cases[:50]],
        }
        for e in found
    ]  # fmt: skip
    return reply({"items": items})


@router.get("/insight/seasons", summary="未诉先办:季节事项、预测与突增", response_model=shapes.SeasonsOut)
async def watched(insight: InsightOf, end: Day = None) -> Response:
    """Return the seasons of this and the next month, with the cells of the week that ends with `end`."""
    last = end or insight.settings.today()
    found = await asyncio.to_thread(insight.seasons, last)
    items = [
        {
            "season": w.season.season, "topic": w.season.topic, "why": w.season.why, "watch": w.season.watch,
            "action": w.season.action, "begins": w.begins, "week": w.week, "week_before": w.week_before,
            "forecast": round(w.forecast, 2), "forecast_upper": w.forecast_upper,
            "cells": [
                {
                    "place": c.place, "count": c.count, "callers": c.callers, "expected": round(c.bound.mean, 2),
                    "upper": c.bound.upper, "probability": c.bound.probability, "weeks": len(c.history),
                    "alert": c.alert, "cases": [case_json(x) for x in c.cases[:10]],
                }
                for c in w.cells[:50]
            ],
        }
        for w in found
    ]  # fmt: skip
    settings = insight.settings
    week = {"start": str(last - datetime.timedelta(days=seasons.WEEK - 1)), "end": str(last)}
    stated = {
        "period": week,
        "bound": seasons.STATED_BOUND,
        "alpha": settings.watch_alpha,
        "least": settings.watch_least,
    }
    return reply({**stated, "items": items})


@router.get("/insight/months", summary="有数的月份", response_model=shapes.MonthsOut)
async def months(insight: InsightOf) -> Response:
    """Return the months, the newest first."""
    return reply({"items": await asyncio.to_thread(insight.months)})


Month = Annotated[str, Query(pattern=f"^{MONTH}$", description="YYYY-MM")]


def _known(insight: Insight, month: str) -> Mapping[str, Any]:
    try:
        return insight.month(month)
    except KeyError:
        raise HTTPException(404, f"没有 {month} 的工单,也没有导入这个月的合计") from None


@router.get(
    "/insight/month", summary="一个月的比率与较上月的升降", response_model=shapes.MonthOut, responses=replies(404)
)
async def month(insight: InsightOf, month: Month) -> Response:
    """Return totals, rates and the verdict such as 两升一降."""
    m = await asyncio.to_thread(_known, insight, month)
    found = {"totals": asdict(m["totals"]), "rates": {n: asdict(r) for n, r in m["rates"].items()}}
    return reply({**found, "change": m["change"], "verdict": m["verdict"]})


@router.get("/insight/report", summary="月报:网页(可打印)或 Word", response_class=Response, responses=REPORT_REPLIES)
async def report(
    insight: InsightOf, month: Month,
    format: Annotated[Literal["html", "docx"], Query(description="html 网页 / docx Word 文档")] = "html",
) -> Response:  # fmt: skip
    """Return the report as a page, whose style stands inside, or as a Word document with the same words."""
    await asyncio.to_thread(_known, insight, month)
    made = await asyncio.to_thread(insight.report, month)
    if format == "docx":
        headers = {"Content-Disposition": f'attachment; filename="report-{month}.docx"'}
        return Response(await asyncio.to_thread(report_docx, made), media_type=DOCX, headers=headers)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    headers = {"Content-Security-Policy": policy}
    return Response(report_html(made), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/insight/export", summary="看板导出为 Excel", response_class=Response, responses=EXPORT_REPLIES)
async def export(insight: InsightOf, runtime: RuntimeOf, info: InfoOf, period: PeriodOf, scope: ScopeOf) -> Response:
    """Return the workbook; an export is noted in the audit trail."""

    def make() -> bytes:
        made = workbook(insight.overview(period, scope))
        detail: dict[str, object] = {"start": str(period.start), "end": str(period.end)}
        audit.record(runtime.records, who=info.who, what="insight.export", detail=detail, request_id=info.request_id)
        return made

    name = f"insight-{period.start}-{period.end}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(await asyncio.to_thread(make), media_type=XLSX, headers=headers)


@router.post(
    "/outcomes", summary="存入工单的结果", response_model=shapes.OutcomesStored, dependencies=[Depends(json_only)],
    responses=replies(400, 413, 415),
)  # fmt: skip
async def outcomes_in(sent: shapes.OutcomesIn, runtime: RuntimeOf, info: InfoOf) -> Response:
    """Store what became of tickets; faulty ones are set aside with the reason. Sending again replaces."""

    def store() -> tuple[int, list[dict[str, str]]]:
        good, aside = [], []
        for outcome in sent.outcomes:
            try:
                good.append(outcomes.accept(outcome.model_dump()))
            except InputError as error:
                aside.append({"ticket_id": outcome.ticket_id, "reason": str(error)})
        if good:
            with runtime.records.write() as session:
                outcomes.store(session, good)
                name = good[0].ticket_id if len(good) == 1 else f"{len(good)} 件"
                audit.append(session, who=info.who, what="outcomes.write", object=name, request_id=info.request_id)
        return len(good), aside

    stored, rejected = await asyncio.to_thread(store)
    return reply({"stored": stored, "rejected": rejected})


@lru_cache(maxsize=1)
def plotly_script() -> Path:
    """Return the script that the plotly package ships: charts come from the house, not from a CDN."""
    import importlib.util

    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("plotly")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


pages = APIRouter(include_in_schema=False)


@pages.get("/vendor/plotly.min.js")
async def plotly() -> FileResponse:
    """Return the chart library."""
    return FileResponse(plotly_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


__all__ = ["figures", "pages", "router"]
