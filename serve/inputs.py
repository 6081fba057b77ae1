"""What may come in: a text that is neither empty nor too long, made ready for the engine; nothing is loaded here."""

from models.masking import mask
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
