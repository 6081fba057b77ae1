"""Finding a category or a unit by name, code, keyword, pinyin or pinyin initials; sounds are computed once."""

from __future__ import annotations

from dataclasses import dataclass

from pypinyin import lazy_pinyin

from models.catalog import Catalog


@dataclass(frozen=True)
class Found:
    """A category or unit; `names` and `path` run from the first level to the thing itself."""

    code: str
    name: str
    level: int
    names: tuple[str, ...]
    path: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    found: Found
    keywords: str
    sound: str
    initials: str


class Lookup:
    """Searches the classification and the dispatch catalogue of a city."""

    def __init__(self, catalog: Catalog) -> None:
        self._categories = tuple(
            _entry(
                Found(
                    n.code, n.name, n.level,
                    tuple(p.name for p in catalog.path(n.code)), tuple(p.code for p in catalog.path(n.code)),
                ),
                (*n.keywords, n.description),
            )
            for n in sorted(catalog.nodes.values(), key=lambda n: n.code)
        )  # fmt: skip
        self._units = tuple(
            _entry(Found(u.code, u.name, u.level, catalog.unit_path(u.code), (u.code,)), u.aliases)
            for u in sorted(catalog.units.values(), key=lambda u: u.code)
        )

    def categories(self, q: str = "", *, level: int = 0, under: str = "", top: int = 30) -> list[Found]:
        """Return categories that match `q`, the best first; `level` 0 = any, `under` = a code that is above them."""
        wanted = (level,) if level else tuple(range(1, 10))
        pool = [e for e in self._categories if e.found.level in wanted and (not under or under in e.found.path[:-1])]
        return _best(q, pool, top)

    def units(self, q: str = "", *, top: int = 30) -> list[Found]:
        """Return units of the dispatch catalogue that match `q`, the best first."""
        return _best(q, [e for e in self._units if e.found.level > 1], top)


def _entry(found: Found, keywords: tuple[str, ...]) -> _Entry:
    syllables = lazy_pinyin(found.name)
    first = "".join(s if s in found.name else s[:1] for s in syllables)  # what is no Chinese stays whole in both
    return _Entry(found, " ".join(keywords), "".join(syllables).lower(), first.lower())


def _best(q: str, pool: list[_Entry], top: int) -> list[Found]:
    words = q.lower().split()
    ranked = []
    for entry in pool:
        ranks = [_rank(word, entry) for word in words]
        if None not in ranks:
            ranked.append((sum(r for r in ranks if r is not None), len(entry.found.name), entry.found.code, entry))
    if words:
        ranked.sort(key=lambda r: r[:3])
    return [r[3].found for r in ranked[:top]]


def _rank(word: str, e: _Entry) -> int | None:
    """Return how far `word` is from the entry, 0 the nearest; None when it does not match."""
    name = e.found.name.lower()
    tests = (
        word in (name, e.found.code),
        name.startswith(word),
        e.initials == word or e.sound == word,
        word.isdigit() and e.found.code.startswith(word),
        word in name,
        e.initials.startswith(word),
        e.sound.startswith(word),
        len(word) > 1 and word in e.initials,
        len(word) > 3 and word in e.sound,
        len(word) > 1 and word in e.keywords,
        any(word in n for n in e.found.names[:-1]),
    )
    return next((i for i, hit in enumerate(tests) if hit), None)
