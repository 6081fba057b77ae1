"""Telephone, identity card and bank card numbers, written, spaced or spoken; other numbers are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from models.masking_marks import AMOUNT_AFTER, DOCUMENT_BEFORE, SPOKEN, TO_DIGIT, Found

_D = f"[0-9{SPOKEN}]"
_GAP = (
    r"(?:[ \t\-‐‑–—−.·,,、。()_]{1,4}|"
    r"[,、 ]?(?:个|啊|嗯|呃|哦|哈|额|那个|这个|然后|接着|后面|后边|中间|是){1,2}[,、 ]?)"
)
_RUN = re.compile(rf"[+]?\(?{_D}(?:{_GAP}?{_D})*")
_LONGEST = 21

_PROVINCES = frozenset(
    str(10 * tens + units)
    for tens, last in ((1, 5), (2, 3), (3, 7), (4, 6), (5, 4), (6, 5), (7, 1), (8, 3))
    for units in range(1, last + 1)
)
"""First two digits of an identity card."""
_ID_CUE = re.compile(r"(?:身份证|身份号|证件号|公民身份|身份信息|ID)[^。;!?]{0,12}$")
_CARD_CUE = re.compile(r"(?:卡号|[账帐]号|银行卡|储蓄卡|信用卡|工资卡|借记卡|[账帐]户|一卡通)[^。;!?\d]{0,10}$")
_PHONE_CUE = re.compile(
    r"(?:电话|座机|固话|手机|小灵通|拨打?|打(?!了|过)|联系(?!单)|联系方式|致电|热线|传真|号码|tel|TEL|Tel)[^。;!?\d]{0,9}(?:[2-8]\d{6,7}[,、])?$"
)
_PHONE_CUE_AFTER = re.compile(r"[,]?(?:这个|的|是)?(?:电话|号码|座机|固话|手机)")
_MASKED_ID = re.compile(r"(?<![\d*])\d{3,6}[*xX×]{8,12}[\dXx]{2,4}(?![\d*])")
_MASKED_PHONE = re.compile(r"(?<![\d*])1[3-9]\d[*xX×]{4,6}\d{2,4}(?![\d*])")
_DISABILITY = re.compile(r"(?<![\dA-Za-z])(\d{17}[\dXx])[1-7][1-4](?:[Bb]\d)?(?![\dA-Za-z])")
"""A disability card: the number of the identity card, kind and degree, and B and a figure when it was replaced."""
_COURIER = re.compile(r"(?:SF|YT|JT|ZT|JD|EMS|YD|STO|DB)$", re.IGNORECASE)
_EXTENSION = re.compile(r"\s?(?:转|分机号?|-)\s?\d{1,5}(?!\d)")


class _Group(NamedTuple):
    """Digits that were said or written in one go."""

    digits: str
    start: int
    end: int
    spoken: bool
    gap: str
    """What stands between this group and the one before."""


class _Window(NamedTuple):
    """Neighbouring groups read as one number."""

    digits: str
    groups: list[_Group]
    alone: bool
    """Whether nothing numeric stands right before or after in the same run."""

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(len(g.digits) for g in self.groups)

    @property
    def spoken(self) -> bool:
        return any(g.spoken for g in self.groups)


def strong_numbers(text: str) -> list[Found]:
    """Identity cards, bank cards, mobile numbers and numbers with an area code: known by their own form."""
    found = [(*m.span(), "身份证") for m in _MASKED_ID.finditer(text)]
    found += [(*m.span(), "电话") for m in _MASKED_PHONE.finditer(text)]
    cards = [m for m in _DISABILITY.finditer(text) if m[1][:2] in _PROVINCES and _real_date(m[1][6:14])]
    found += [(*m.span(), "证件号") for m in cards if check_digit(m[1][:17]) == m[1][17].upper()]
    for run in _RUN.finditer(text):
        windows = [w for w in _windows(_groups(text, run.start(), run.end())) if _possible(text, w)]
        candidates = [(w, f) for w in windows if (f := _classify(text, w)) is not None]
        candidates.sort(key=lambda c: (-len(c[0].digits), len(c[0].groups), c[1][0]))
        taken = bytearray(run.end() + 1 - run.start() + 1)
        for _, (start, end, kind) in candidates:
            place = slice(max(0, start - run.start()), end - run.start())
            if not any(taken[place]):
                taken[place] = b"\x01" * len(taken[place])
                found.append((start, end, kind))
    return found


def _possible(text: str, window: _Window) -> bool:
    """Reject cheaply what can be no number of a person: most windows of a long run."""
    digits, size = window.digits, len(window.digits)
    if size < 10:
        return False
    if digits[0] == "1" and size == 11:
        return digits[1] in "3456789"
    if digits[0] == "0" and size <= 12:
        return True
    if digits.startswith(("861", "00861")) and size in (13, 15):
        return True
    if window.alone and size >= 12:
        return True
    born = f"19{digits[6:12]}" if size == 15 else digits[6:14]
    if size in (15, 17, 18) and digits[:2] in _PROVINCES and _real_date(born):
        return True
    return 16 <= size <= 19 and digits[0] in "34569" and luhn(digits)


def local_phones(text: str) -> list[Found]:
    """Telephone numbers of seven or eight digits, when a word such as 电话 stands near."""
    found: list[Found] = []
    for run in _RUN.finditer(text):
        for groups in _apart(_groups(text, run.start(), run.end())):
            digits, start, end = "".join(g.digits for g in groups[:8]), groups[0].start, groups[-1].end
            if len(groups) > 8 or len(digits) not in (7, 8) or digits[0] not in "2345678" or _is_date(digits):
                continue
            sizes = tuple(len(g.digits) for g in groups)
            if sizes not in {(7,), (8,), (3, 4), (4, 4), (4, 3)} and not any(g.spoken for g in groups):
                continue
            before = text[max(0, start - 16) : start]
            cued = _PHONE_CUE.search(before) or _PHONE_CUE_AFTER.match(text, end)
            if cued and not DOCUMENT_BEFORE.search(before) and not AMOUNT_AFTER.match(text, end):
                extension = _EXTENSION.match(text, end)
                found.append((start, extension.end() if extension else end, "电话"))
    return found


def _apart(groups: list[_Group]) -> Iterator[list[_Group]]:
    """Cut a run between whole local numbers in a list."""
    current: list[_Group] = []
    for group in groups:
        listed = set(group.gap) & set(",、。") and len(group.digits) >= 7
        if current and listed:
            yield current
            current = []
        current.append(group)
    if current:
        yield current


def _groups(text: str, start: int, end: int) -> list[_Group]:
    """Cut a run where a pause stands or where writing changes to speaking; 三个八 is said for 888."""
    groups: list[_Group] = []
    digits, begin, gap, position, gap_from, voice = "", start, "", start, start, False
    while position < end:
        character = text[position]
        if character not in TO_DIGIT:
            position += 1
            continue
        spoken, size, value = not character.isascii(), 1, TO_DIGIT[character]
        if text[position + 1 : position + 2] == "个" and text[position + 2 : position + 3] in TO_DIGIT:
            times = int(value)
            if position + 2 < end and character in "两二三四五六2345" and text[position + 2] in TO_DIGIT:
                size, value, spoken = 3, TO_DIGIT[text[position + 2]] * times, True
        joined = digits and position == gap_from and voice == spoken
        if joined:
            digits += value
        else:
            if digits:
                groups.append(_Group(digits, begin, gap_from, voice, gap))
            gap = text[gap_from:position] if digits else ""
            digits, begin, voice = value, position, spoken
        position += size
        gap_from = position
    if digits:
        groups.append(_Group(digits, begin, gap_from, voice, gap))
    return groups


def _windows(groups: list[_Group]) -> Iterator[_Window]:
    for i in range(len(groups)):
        digits = ""
        for j in range(i, len(groups)):
            digits += groups[j].digits
            if len(digits) > _LONGEST:
                break
            if len(digits) >= 7:
                yield _Window(digits, groups[i : j + 1], i == 0 and j == len(groups) - 1)


def _classify(text: str, window: _Window) -> Found | None:
    digits, start, end = window.digits, window.groups[0].start, window.groups[-1].end
    before = text[max(0, start - 20) : start]
    document = bool(DOCUMENT_BEFORE.search(before))
    last = text[end : end + 1]
    if len(digits) == 17 and last in {"X", "x", "×", "叉"}:
        return _identity(digits + "X", start, end + 1, before, document)
    if len(digits) in (15, 18):
        found = _identity(digits, start, end, before, document)
        if found:
            return found
    return (
        _mobile(text, window, before, document) or _landline(text, window, document) or _card(window, before, document)
    )


def _identity(digits: str, start: int, end: int, before: str, document: bool) -> Found | None:
    """GB 11643: province, date of birth and check digit; a wrong check digit counts when 身份证 stands near."""
    cued = bool(_ID_CUE.search(before))
    if digits[:2] in _PROVINCES:
        if len(digits) == 15:
            good = _real_date(f"19{digits[6:12]}") and not document
        else:
            born = digits[6:14]
            plausible = _real_date(born) and "1900" <= born[:4] <= "2099"
            recent = born[:4] > "2016"
            good = plausible and (
                (check_digit(digits[:17]) == digits[17] and not (document and recent)) or not (document or recent)
            )
        if good:
            return start, end, "身份证"
    return (start, end, "身份证") if cued else None


def _mobile(text: str, window: _Window, before: str, document: bool) -> Found | None:
    start, end = window.groups[0].start, window.groups[-1].end
    digits = re.sub(r"^(?:0086|86)(?=1[3-9]\d{9}$)", "", window.digits)
    if not re.fullmatch(r"1[3-9]\d{9}", digits) or document or _COURIER.search(before):
        return None
    sizes = window.sizes
    if digits != window.digits:
        if sizes[0] in (2, 4) and len(sizes) > 1:
            sizes = sizes[1:]
        if text[start - 1 : start] == "+":
            start -= 1
    if not _said_as_one(window, sizes, ((3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (4, 7), (3, 3, 5), (5, 6), (3, 4, 2, 2))):
        return None
    return start, end, "电话"


def _said_as_one(window: _Window, sizes: tuple[int, ...], usual: tuple[tuple[int, ...], ...]) -> bool:
    """Whether the pauses are those of one number and not those between several."""
    if len(sizes) == 1 or sizes in usual or window.spoken:
        return True
    gaps = {g.gap.strip() for g in window.groups[1:]}
    if len(gaps) > 1 or gaps & {".", ",", "、", "。"}:
        return False
    return all(s == 1 for s in sizes) or (sizes[0] >= 3 and all(s >= 2 for s in sizes))


def _landline(text: str, window: _Window, document: bool) -> Found | None:
    digits, start, end, sizes = window.digits, window.groups[0].start, window.groups[-1].end, window.sizes
    if document or not re.fullmatch(r"0(?:10|2\d|[3-9]\d\d)[2-8]\d{6,7}", digits):
        return None
    area = 3 if digits[1] in "12" else 4
    if len(sizes) > 1 and sizes[0] != area and not window.spoken:
        return None
    if ")" in window.groups[min(1, len(sizes) - 1)].gap and text[start - 1 : start] == "(":
        start -= 1
    extension = _EXTENSION.match(text, end)
    return start, extension.end() if extension else end, "电话"


def _card(window: _Window, before: str, document: bool) -> Found | None:
    """Sixteen to nineteen digits with a right Luhn digit, or any long number after a word such as 卡号."""
    digits, sizes = window.digits, window.sizes
    start, end = window.groups[0].start, window.groups[-1].end
    cued = bool(_CARD_CUE.search(before))
    if len(digits) < 12 or (document and not cued):
        return None
    grouped = len(sizes) == 1 or window.spoken or all(s == 4 for s in sizes[:-1]) or sizes[0] == 6 or set(sizes) == {1}
    if not grouped or any(set(g.gap) & set(".。()") for g in window.groups[1:]):
        return None
    if 16 <= len(digits) <= 19 and digits[0] in "34569" and luhn(digits):
        return start, end, "银行卡"
    if cued and window.alone:
        return start, end, "银行卡"
    if window.spoken and all(g.spoken for g in window.groups) and len(digits) >= 15 and window.alone:
        return start, end, "证件号"
    return None


def check_digit(digits: str) -> str:
    """The eighteenth character of an identity card for its first seventeen digits (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def luhn(digits: str) -> bool:
    """Whether the last digit of `digits` is right by the Luhn formula (ISO/IEC 7812-1)."""
    doubled = (int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _real_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def _is_date(digits: str) -> bool:
    return len(digits) == 8 and "1900" <= digits[:4] <= "2099" and _real_date(digits)
