"""What may come in: a text that is neither empty nor too long, made ready for the engine; nothing is loaded here."""

import datetime
import re

from models.masking import find_personal, mask
from models.masking_numbers import check_digit
from models.text import normalise

MAX_INPUT = 20_000
"""Longest text that is accepted, in characters."""


class InputError(ValueError):
    """A text that cannot be worked on; the message says what was expected and found."""


def accept(text: str) -> str:
    """Return `text` as it came; raises InputError when it is empty or too long."""
    if len(text) > MAX_INPUT:
        raise InputError(f"文字过长:最多 {MAX_INPUT} 字,实为 {len(text)} 字")
    if not text.strip():
        raise InputError("文字为空:请输入来电内容")
    return text


def checked(text: str) -> str:
    """Return `text` normalised and masked; raises InputError when it is empty or too long."""
    return mask(normalise(accept(text)))


YEARS = range(1900, 3000)
"""Years that a day or a moment may lie in: none is left when others are reckoned back or on from it."""


def moment(field: str, given: datetime.datetime) -> datetime.datetime:
    """Return a moment in UTC without zone, as it is stored; raises InputError outside `YEARS`."""
    if given.year not in YEARS:
        raise InputError(f"{field}: 应在 {YEARS[0]} 至 {YEARS[-1]} 年之间,实为 {given.year} 年")
    return given if given.tzinfo is None else given.astimezone(datetime.UTC).replace(tzinfo=None)


_MOBILE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)[1-6]\d{5}((?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])")
_IN_IDS = {"姓名", "邮箱", "车牌", "微信"}


def plain_id(field: str, value: str) -> str:
    """Return an id of another system; raises InputError when it holds personal data.

    An id is stored, logged and searched as it comes, and two masked ones would be the same: so it is refused instead.
    Long serial numbers pass, though one in ten fits a bank card, and those that begin with an area code and the day of
    now, though one in eleven fits an identity card.
    """
    identities = [m for m in _IDENTITY.finditer(value) if check_digit(m[0][:17]) == m[0][17].upper()]
    grown = datetime.date.today().year - 1
    personal = (
        _MOBILE.search(value)
        or any(int(m[1]) < grown for m in identities)
        or any(span.kind in _IN_IDS for span in find_personal(value))
    )
    if personal:
        raise InputError(f"{field}: 应为不含电话、证件号、姓名等个人信息的编号;请改用流水号或其摘要")
    return value
