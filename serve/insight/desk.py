"""Puts insight together for one service: reads the rows of a period and hands them to figures, topics and reports."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from sqlalchemy import func, select

from models.catalog import Catalog
from serve import similar
from serve.engine import Engine
from serve.insight import cases as data
from serve.insight import drift as drifting
from serve.insight import events, figures, monthly, report, seasons, topics
from serve.insight.cases import Case, Period, Rows, Scope
from serve.insight.tables import MonthRow
from serve.records import Records, TicketRow
from serve.settings import Settings

T = TypeVar("T")
KEEP_SECONDS = 60.0
"""How long clusters and the watch are kept while no ticket comes or goes: they read much and change slowly."""


@dataclass(frozen=True)
class View:
    """Figures of a period beside those of the period before and of the same period last year."""

    rows: Rows
    before: Rows
    year: Rows


class Insight:
    """Insight over the records of a service; every method reads the database and takes its time."""

    def __init__(self, records: Records, engine: Callable[[], Engine]) -> None:
        self._records, self._engine = records, engine
        self._places: dict[int, str] = {}
        self._kept: dict[tuple[object, ...], tuple[float, Any]] = {}
        self._lock = threading.Lock()

    @property
    def settings(self) -> Settings:
        """The settings of the service."""
        return self._engine().settings

    @property
    def catalog(self) -> Catalog:
        """The catalogue of the service."""
        return self._engine().catalog

    def period(self, start: datetime.date | None, end: datetime.date | None, days: int = 30) -> Period:
        """Return the period asked for: up to today, `days` long, unless told otherwise."""
        last = end or self.settings.today()
        return Period(start or last - datetime.timedelta(days=days - 1), last, self.settings.utc_offset)

    def figures(self) -> dict[str, figures.Figure]:
        """Return the figures by name, under this city's formula."""
        s = self.settings
        made = figures.figures(satisfaction_of=s.satisfaction_of, partly=s.satisfaction_partly)
        return {f.name: f for f in made}

    def view(self, period: Period, scope: Scope) -> View:
        """Return the rows of a period, of the one before and of last year's."""
        read = [
            data.read(self._records, self.catalog, p, scope) for p in (period, period.before(), period.year_before())
        ]
        return View(*read)

    def overview(self, period: Period, scope: Scope) -> dict[str, Any]:
        """Return everything the dashboard shows first."""
        v = self.view(period, scope)
        return {
            "period": {"start": str(period.start), "end": str(period.end), "days": period.days},
            "figures": [figures.figure_json(f, v.rows, v.before, v.year) for f in self.figures().values()],
            "breakdowns": {
                by: {"title": title, "rows": figures.breakdown(by, v.rows, v.before)}
                for by, (title, _) in figures.DIMENSIONS.items()
            },
            "causes": figures.causes(v.rows),
            "moves": figures.moves(v.rows),
            "drift": drifting.drift(v.rows, v.before),
        }

    def behind(
        self, name: str, period: Period, scope: Scope, which: str, day: datetime.date | None
    ) -> list[dict[str, Any]]:
        """Return the rows behind a figure, newest first; raises KeyError for an unknown figure."""
        rows = data.read(self._records, self.catalog, period, scope)
        found = figures.behind(self.figures()[name], rows, which=which)
        shown = [asdict(r) for r in found if day is None or r.day == day]
        for row in shown:
            row["name"] = rows.names.get(row.get("code", ""), "")
            row.pop("caller", None)
        return shown[::-1]

    # -- what changes slowly -------------------------------------------------------------------------------

    def topics(self, period: Period, scope: Scope) -> list[topics.Topic]:
        """Return the hot topics of a period."""

        def make() -> list[topics.Topic]:
            encoder = self._engine().bundle.embedder.name
            both = [
                data.read_vectors(self._records, data.read_cases(self._records, p, scope), encoder)
                for p in (period, period.before())
            ]
            return topics.hot_topics(*both[0], *both[1], self.catalog)

        return self._keep(("topics", period, scope), make)

    def events(self, period: Period, scope: Scope) -> list[events.Event]:
        """Return the event tickets to propose."""

        def make() -> list[events.Event]:
            encoder, s = self._engine().bundle.embedder.name, self.settings
            found = data.read_vectors(self._records, data.read_cases(self._records, period, scope), encoder)
            return events.propose(
                *found, self.place_of, repeat_days=s.repeat_days, event_days=s.event_days, event_callers=s.event_callers
            )

        return self._keep(("events", period, scope), make)

    def seasons(self, day: datetime.date) -> list[seasons.Watch]:
        """Return the seasonal watch of the week that ends with `day`."""

        def make() -> list[seasons.Watch]:
            s = self.settings
            back = datetime.timedelta(weeks=52 * seasons.YEARS + seasons.SAME_WEEKS + 1)
            history = data.read_cases(self._records, Period(day - back, day, s.utc_offset))
            return seasons.watch(
                history, self.catalog.seasons, day, self.place_of, alpha=s.watch_alpha, least=s.watch_least
            )

        return self._keep(("seasons", day), make)

    def place_of(self, case: Case) -> str:
        """Return where a ticket is about: its community, else what its words name below the district, else nothing."""
        if case.community:
            return case.community
        if case.seq not in self._places:
            if len(self._places) > 500_000:
                self._places.clear()
            at = self._engine().place_finder.locate(case.text)
            place = at.community or at.landmark or at.street
            self._places[case.seq] = place if not place or not at.district else f"{at.district}{place}"
        return self._places[case.seq]

    def _keep(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        mark = (*key, similar.stored_mark(self._records), self._engine().bundle.version)
        with self._lock:
            at, kept = self._kept.get(mark, (0.0, None))
            if at and time.monotonic() - at < KEEP_SECONDS:
                return kept
            made = make()
            self._kept = {k: v for k, v in self._kept.items() if time.monotonic() - v[0] < KEEP_SECONDS}
            self._kept[mark] = (time.monotonic(), made)
            return made

    # -- months --------------------------------------------------------------------------------------------

    def months(self) -> list[str]:
        """Return the months something is known of, the newest first."""
        with self._records.read() as session:
            found = set(session.scalars(select(MonthRow.month)))
            first, last = session.execute(
                select(func.min(TicketRow.accepted_at), func.max(TicketRow.accepted_at))
            ).one()
        shift = datetime.timedelta(hours=self.settings.utc_offset)
        if first is not None:
            month = f"{last + shift:%Y-%m}"
            while month >= f"{first + shift:%Y-%m}":
                found.add(month)
                month = monthly.month_before(month)
        return sorted(found, reverse=True)

    def totals(self, month: str) -> monthly.Totals | None:
        """Return a month's totals: the city's own where there are any, else of the stored tickets; None for nothing."""
        with self._records.read() as session:
            row = session.get(MonthRow, month)
            if row is not None:
                return monthly.Totals(**{n: getattr(row, n) for n in monthly.Totals.__dataclass_fields__})
        tickets = data.read_cases(self._records, self._month(month))
        return monthly.from_cases(month, tickets) if tickets else None

    def month(self, month: str) -> dict[str, Any]:
        """Return a month's rates, their change and the verdict; raises KeyError when nothing is known of it."""
        totals = self.totals(month)
        if totals is None:
            raise KeyError(month)
        formula = monthly.Formula(self.settings.satisfaction_of, self.settings.satisfaction_partly)
        before = self.totals(monthly.month_before(month))
        year = self.totals(f"{int(month[:4]) - 1}{month[4:]}")
        found = monthly.rates(totals, formula)
        earlier = monthly.rates(before, formula) if before else None
        verdict, change = monthly.compare(found, earlier) if earlier else ("无从比较", {})
        return {
            "totals": totals, "before": before, "year": year, "rates": found, "earlier": earlier,
            "verdict": verdict, "change": change,
        }  # fmt: skip

    def report(self, month: str) -> report.Report:
        """Return the monthly report; raises KeyError when nothing is known of the month."""
        m = self.month(month)
        period, scope = self._month(month), Scope()
        rows = data.read(self._records, self.catalog, period, scope)
        tables: list[report.Table] = []
        if rows.cases:
            for by in ("category", "district", "unit"):
                counted = figures.breakdown(by, rows, most=10)
                title = figures.DIMENSIONS[by][0]
                table = report.Table(f"受理量:按{title}", [title, "件数"], [[r["name"], r["count"]] for r in counted])
                tables.append(table)
            causes = [[r["reason"], r["count"]] for r in figures.causes(rows)[:10]]
            tables.append(report.Table("退单改派的原因", ["原因", "件数"], causes))
            hot = [
                [t.name, t.count, t.before, "、".join(f"{d} {n}" for d, n in t.districts[:3])]
                for t in self.topics(period, scope)[:10]
            ]
            tables.append(report.Table("热点", ["热点", "本月", "此前同样天数", "区县"], hot))
        return report.write_up(
            self.catalog.city, m["totals"], m["rates"], m["before"], m["earlier"], m["verdict"], m["change"],
            year=m["year"], tables=tables,
        )  # fmt: skip

    def _month(self, month: str) -> Period:
        first = datetime.date.fromisoformat(month + "-01")
        following = (first + datetime.timedelta(days=32)).replace(day=1)
        return Period(first, following - datetime.timedelta(days=1), self.settings.utc_offset)
