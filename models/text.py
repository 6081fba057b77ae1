"""Text preparation shared by every model: normalising, fillers, sentences; it decides nothing."""

import re
import unicodedata

MAX_CHARACTERS = 4000
"""Longest text that is read; what follows is dropped (a ten-minute call is about 2,500 characters)."""

_UNFIT = r"\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff"
UNFIT = re.compile(f"[{_UNFIT}]")
"""Characters that no file, argument of a process or database need take: controls but tab and line feed, halves of a
surrogate pair, and the two that are none (the complement of Char in XML 1.0, with carriage return and delete)."""
_CONTROL = re.compile(rf"[{_UNFIT}\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffd\ufe0f]")
_SPACE = re.compile(r"\s+")
_CJK = r"\u3400-\u9fff"
_SPACE_BETWEEN_CJK = re.compile(rf"(?<=[{_CJK}])\s+(?=[{_CJK}])")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&nbsp;|_x000[dD]_")
"""Tags, and what Excel and web forms leave behind."""
_LONG_RUN = re.compile(r"([^0-9零〇一二三四五六七八九幺])\1{3,}")
"""Drawn-out speech; a repeated digit belongs to a number (13800001234, 10000元)."""


def storable(text: str) -> str:
    """Return `text` with plain line ends and a space for each character of `UNFIT`; no longer than it was."""
    return UNFIT.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return `text` for a line of a list: line ends, escapes of terminals and marks of direction are written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def normalise(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return `text` in one written form, without changing what it says.

    NFKC (full-width to half-width), control and invisible characters and markup removed, spaces between Chinese
    characters removed, other white space collapsed, a character repeated more than three times cut to three unless
    it is a digit, at most `limit` characters. Never raises on any string, lone surrogates included.
    """
    text = text.encode("utf-8", "replace").decode("utf-8", "replace")[: 4 * limit]
    text = _MARKUP.sub(" ", _CONTROL.sub(" ", unicodedata.normalize("NFKC", text)))
    text = _SPACE_BETWEEN_CJK.sub("", _SPACE.sub(" ", text))
    return _LONG_RUN.sub(lambda m: m.group(1) * 3, text).strip()[:limit]


_GREETINGS = re.compile(
    r"^(?:(?:喂+|哎+|唉|嗯+|啊+|哦|呃+|欸|您好|你好|同志|师傅|请问|麻烦(?:您|你)?|不好意思|打扰(?:一下)?(?:了)?|"
    r"是(?:不是)?(?:市长)?(?:12345)?热线(?:吗|吧|啊)?|是(?:不是)?12345(?:吗|吧)?|"
    r"(?:我)?(?:想|要)?(?:问|咨询|反映|打听|了解|说)(?:一?下)?(?:个|一个)?(?:情况|问题|事情|事儿|事)?(?:哈|啊|呀)?|"
    r"是这样(?:的|子的)?|"
    r"那个|这个|就是说|就是)[,，。.!！?？、\s]*)+"
)
_CLOSINGS = re.compile(
    r"[,，。.!！\s]*(?:(?:请|望|希望|恳请)?(?:相关|有关)(?:单位|部门|领导)(?:尽快|及时|予以|给予)?"
    r"(?:核实|处理|解决|答复|回复|重视|协调)+(?:一下)?|谢谢(?:您|你|了|啦|大家)*|麻烦(?:您|你|了)+|辛苦了|再见|拜拜|就这样吧?)"
    r"[,，。.!！\s]*$"
)
_FILLERS = re.compile(
    r"(?:(?<=^)|(?<=[,，。.!！?？、;；\s]))(?:那个|这个|就是说|就是那个|怎么说呢|反正|然后呢?|嗯+|呃+|啊+|哎呀?|唉|哦|对吧|是吧|"
    r"你知道吧|我跟你说|我给你说|你看)(?=[,，。.!！?？、;；\s]|$)[,，。、;；\s]*"
)


def strip_fillers(text: str) -> str:
    """Remove greetings, fillers and set closings from normalised `text`; negations and facts stay.

    When nothing else is left, `text` itself is returned, so that an empty call stays recognisable.
    """
    stripped = _GREETINGS.sub("", text)
    stripped = _FILLERS.sub("", stripped)
    previous = None
    while previous != stripped:
        previous, stripped = stripped, _CLOSINGS.sub("", stripped)
    return stripped.strip(" ,，。、") or text


_SAYS_SOMETHING = re.compile(rf"[{_CJK}A-Za-z]")
_CHINESE = re.compile(rf"[{_CJK}]")


def has_words(text: str) -> bool:
    """Whether normalised `text` holds at least one letter or Chinese character."""
    return bool(_SAYS_SOMETHING.search(text))


def is_chinese(text: str) -> bool:
    """Whether normalised `text` is mainly Chinese: at least two Chinese characters and one in five of its letters."""
    chinese = len(_CHINESE.findall(text))
    return chinese >= 2 and chinese >= 0.2 * len(_SAYS_SOMETHING.findall(text))


_SENTENCE = re.compile(r"[。!！?？;；\n]*[^。!！?？;；\n]+[。!！?？;；\n]*|[。!！?？;；\n]+")


def sentences(text: str) -> list[str]:
    """Split `text` at sentence ends; the pieces joined again give `text`."""
    return _SENTENCE.findall(text) or ([text] if text else [])
