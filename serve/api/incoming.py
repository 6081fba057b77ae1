"""What requests bring, made fit to be stored: one base for their bodies, one annotation for words in a query."""

from __future__ import annotations

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator

from models.text import storable


def _fit(value: object) -> object:
    """Return a text, or a list with its texts, made storable; what a model holds inside is made so by that model."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable(v) if isinstance(v, str) else v for v in value]
    return value


STORABLE = BeforeValidator(_fit)
"""Stands behind `Query(…)` in the annotation of every text that is asked with."""


class Incoming(BaseModel):
    """A body, or a part of one: unknown fields are refused, and no text holds what a database or a process refuses.

    Done before anything is checked: what is masked, compared and measured is what is stored.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        return _fit(value)
