"""What a caller asks for, told by words that are data: which side of a subject, what exactly, or the own case."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.locations import shipped_data_dir

FILE = "asking.toml"
"""File of the words, in the folder of the entries; what each table means stands in the shipped one."""
_OWN_CASE = ("who", "step", "state", "also")
_HOLDING = ("asks", "holds")
_NEVER = re.compile(r"(?!)")


class AskingError(ValueError):
    """Words that cannot be used; the message names the file, the place, what was expected and what was found."""


@dataclass(frozen=True, eq=False)
class Asking:
    """The words, compiled; `record` is what they were made from.

    `aspects` are the sides of a subject by the words that ask for them; `holdings` what is to be told exactly, by the
    words that ask for it and those of an answer that tells it; `own_case` asks what has become of the caller's case.
    """

    aspects: Mapping[str, re.Pattern[str]]
    holdings: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]
    own_case: re.Pattern[str]
    record: Mapping[str, Any]

    @classmethod
    def of(cls, record: Mapping[str, Any], where: str = FILE) -> Asking:
        """Return the words of a record with the tables of the file; raises AskingError that lists every fault."""
        if faults := list(_faults(record)):
            raise AskingError(f"{where}: {len(faults)} 处错误:{';'.join(faults)}")
        who, step, state, also = ("|".join(record["own_case"][part]) for part in _OWN_CASE)
        return cls(
            {name: _any(words) for name, words in record["aspects"].items()},
            {name: (_any(h["asks"]), _any(h["holds"])) for name, h in record["holdings"].items()},
            re.compile(f"(?:{who}).*(?:{step})[^,，。]*(?:{state})|{also}"),
            record,
        )

    @classmethod
    def none(cls) -> Asking:
        """Return no words at all: nothing is asked for."""
        return cls({}, {}, _NEVER, {})

    def aspects_of(self, text: str) -> frozenset[str]:
        """Return the sides of a subject that `text` asks for."""
        return frozenset(name for name, words in self.aspects.items() if words.search(text))

    def exact_in(self, text: str) -> list[str]:
        """Return what `text` wants to be told exactly."""
        return [name for name, (asks, _) in self.holdings.items() if asks.search(text)]

    def held_by(self, answer: str) -> frozenset[str]:
        """Return what of all that can be asked exactly `answer` tells."""
        return frozenset(name for name, (_, holds) in self.holdings.items() if holds.search(answer))


def read_asking(path: Path) -> Asking:
    """Return the words of a file; raises AskingError for one that is missing, no TOML, or faulty."""
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise AskingError(f"{path}: 应为可读的文件,实为 {error.strerror}") from error
    except ValueError as error:
        raise AskingError(f"{path}: 应为 UTF-8 的 TOML,实为 {error}") from error
    return Asking.of(record, str(path))


@lru_cache(1)
def shipped_asking() -> Asking:
    """Return the words that ship with the program."""
    return read_asking(shipped_data_dir() / "kb" / FILE)


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


def _faults(record: Mapping[str, Any]) -> Iterator[str]:
    tables = ("aspects", "holdings", "own_case")
    yield from (f"{name} 应为 {'、'.join(tables)} 之一,实为多余" for name in record if name not in tables)
    aspects, holdings, own_case = (record.get(name) for name in tables)
    for name, table in zip(tables, (aspects, holdings, own_case), strict=True):
        if not isinstance(table, dict):
            yield f"{name} 应为 一张表,实为{'缺失' if table is None else f' {table!r}'}"
    if isinstance(aspects, dict):
        for name, words in aspects.items():
            yield from _of_list(f"aspects.{name}", words)
    if isinstance(holdings, dict):
        for name, table in holdings.items():
            yield from _of_table(f"holdings.{name}", table, _HOLDING)
    if isinstance(own_case, dict):
        yield from _of_table("own_case", own_case, _OWN_CASE)


def _of_table(where: str, table: object, parts: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"{where} 应为 含 {'、'.join(parts)} 的表,实为 {table!r}"
        return
    yield from (f"{where}.{name} 应为 {'、'.join(parts)} 之一,实为多余" for name in table if name not in parts)
    for part in parts:
        yield from _of_list(f"{where}.{part}", table.get(part))


def _of_list(where: str, patterns: object) -> Iterator[str]:
    if not isinstance(patterns, list) or not patterns:
        yield f"{where} 应为 至少有一项的列表,实为{'缺失' if patterns is None else f' {patterns!r}'}"
        return
    for number, pattern in enumerate(patterns, 1):
        place = f"{where} 第{number}项"
        try:
            known = re.compile(f"(?!)|{pattern}")  # as it stands in the list: flags, for one, may not come here
        except re.error as error:
            yield f"{place} 应为 正则表达式,实为 {pattern!r}({error})"
            continue
        if not isinstance(pattern, str) or known.search(""):
            yield f"{place} 应为 至少要有一个字的正则表达式,实为 {pattern!r}"
        if known.groups:
            yield f"{place} 应为 没有捕获组的正则表达式(用 (?:…) 代替 (…)),实为 {pattern!r}"
