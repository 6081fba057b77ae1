"""The encoder's tokenizer as `tokenizer.json`, with the vocabulary cut to what Chinese and ASCII text needs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from training.encoder.wheel import Weights

_SPACE = "\u2581"
_USEFUL = re.compile(
    f"^[{_SPACE}\u0000-\u007f\u00b0-\u00ff\u2010-\u203f\u2100-\u22ff\u2460-\u24ff\u25a0-\u25ff"
    "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]+$"
)
_LATIN_WORDS = frozenset(
    [
        "query",
        "passage",
        "http",
        "https",
        "html",
        "www",
        "app",
        "wifi",
        "word",
        "excel",
        "pdf",
        "email",
        "iphone",
        "android",
        "windows",
    ]
)
_LONGEST_LATIN = 3


def useful_pieces(weights: Weights) -> list[int]:
    """Return the ids to keep, ascending: special tokens and pieces of Han, ASCII and CJK punctuation.

    Latin pieces above three letters are dropped (they spell other languages) but for the prefixes and some words.
    """
    keep = []
    special = set(weights.special.values())
    for i, piece in enumerate(weights.pieces):
        latin = piece.strip(_SPACE)
        long_latin = re.search("[A-Za-z]", latin) and len(latin) > _LONGEST_LATIN and latin.lower() not in _LATIN_WORDS
        if i in special or (piece and _USEFUL.match(piece) and not long_latin):
            keep.append(i)
    return keep


def build_tokenizer(weights: Weights, keep: Sequence[int], max_length: int) -> Tokenizer:
    """Return a Unigram tokenizer over the kept pieces that truncates at `max_length` tokens."""
    position = {old: new for new, old in enumerate(keep)}
    name = {key: weights.pieces[i] for key, i in weights.special.items()}
    vocabulary = [(weights.pieces[i], float(weights.scores[i])) for i in keep]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=position[weights.special["unk"]], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    ends = [(name[k], position[weights.special[k]]) for k in ("bos", "eos")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{name['bos']} $A {name['eos']}",
        pair=f"{name['bos']} $A {name['eos']} {name['eos']} $B {name['eos']}",
        special_tokens=ends,
    )
    tokenizer.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in name.values()])
    tokenizer.enable_truncation(max_length)
    return tokenizer
