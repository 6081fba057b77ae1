"""What requests bring, made fit to be stored: one base for their bodies, one annotation for words in a query."""

from __future__ import annotations

import datetime

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from models.text import storable
from serve.inputs import YEARS


def _fit(value: object) -> object:
    """Return a text, or a list with its texts, made storable; what a model holds inside is made so by that model."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable(v) if isinstance(v, str) else v for v in value]
    return value


STORABLE = BeforeValidator(_fit)
"""Stands behind `Query(…)` in the annotation of every text that is asked with."""


def _of_a_calendar(day: datetime.date | None) -> datetime.date | None:
    if day is not None and day.year not in YEARS:
        raise PydanticCustomError("year", f"应在 {YEARS[0]} 至 {YEARS[-1]} 年之间")
    return day


IN_YEARS = AfterValidator(_of_a_calendar)
"""Stands behind `Query(…)` in the annotation of a day from which others are reckoned."""


class Incoming(BaseModel):
    """A body, or a part of one: unknown fields are refused, and no text holds what a database or a process refuses.

    Done before anything is checked: what is masked, compared and measured is what is stored.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        return _fit(value)
