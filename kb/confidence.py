"""How likely the first entry answers: what is measured of a question and its hits, and the logistic model over it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.index import Hit
from kb.lexical import grams

FEATURES = (
    "dense", "question", "score_gap", "first_share", "length", "coverage", "coverage_gap", "aspect", "number",
    "near_dense", "near_lexical", "lexical_rise", "lacking", "own_case", "elsewhere",
)  # fmt: skip
"""What the shipped confidence is computed from; `measured` says what each is."""
CLIP = 3.0
"""Standard deviations beyond which a feature counts no more: small collections give extreme gaps."""
NEAR = 10
"""Hits that are compared with the first."""

ASPECTS = {
    "when": "什么时候|啥时候|几号|几月|哪天|何时|多会儿|几点|时间|截止|期限|到期",
    "how long": "多久|多长|几天|多少天|多少个?月|几个月|几年",
    "how much": "多少|几块|费用|收费|标准|价|比例|钱|几成|罚",
    "where": "哪里|哪儿|去哪|哪办|地址|在哪|窗口|哪个部门|哪个单位|找谁|向谁|归谁|谁管|电话|投诉|举报",
    "how": "怎么|咋|如何|怎样|流程|手续|步骤|程序",
    "papers": "材料|带什么|带啥|证件|证明|资料",
    "whether": "能不能|可以|能否|可不可以|行不行|允许|合法|违法|算不算|是不是|有权",
    "who": "条件|资格|符合|要求|谁能|哪些人|年龄|岁",
}
"""What of a subject a question asks for, told by its words."""
ENDS = 30
"""Characters at the end of a call in which it says what it wants; before them it tells what happened."""
HOLDINGS = {
    "money": (
        "多少钱|几块|几毛|多少元|啥价|多少工资|[收交补给发罚扣赔领贷]多少|多少税|[费价].{0,3}多少|几个点|标准是多少",
        r"[\d一二两三四五六七八九十百千][\d.,]*\s*[万亿]?[元块角]|免费|不收费|不要钱|不交|[\d.]+%|倍|免",
    ),
    "how long": (
        "几天|多少天|多久|多长时间|几个月|几年|多少年|几个工作日",
        r"[\d一二两三四五六七八九十半]+\s*个?多?(?:工作日|日|天|小时|分钟|月|年|周)|当天|当场|当日|马上|立即",
    ),
    "hour": ("几点", r"\d+\s*[时点:]|[一二三四五六七八九十]点|全天|24"),
    "day": (
        "哪天|几号|几月|什么时候|啥时候|多会儿|星期几|周几",
        r"\d[月日]|每年|每月|季度|之日起|\d{4}|年底|期满|时|前|后",
    ),
    "telephone": ("电话|座机|号码", r"\d{5}"),
    "address": ("地址|在哪条|几楼|哪个位置|哪条[路街]|哪个巷|怎么坐|坐几路|离我多远", r"\d号|路|街|楼"),
    "papers": ("材料|带什么|带啥|证件", "带|证|材料|户口|凭|表|书"),
    "count": ("几份|几次|几个人|几岁|多大年龄|几级|几只|几层|几口|几米|多少米|多少分贝|几克|几斤", r"\d"),
}
"""What a question wants to be told exactly: the words that ask for it, and what an answer that tells it holds."""
OWN_CASE = (
    "(?:我|俺|咱|[娃爸妈爷奶弟]|老汉).*(?:批|审|办|寄|发|到|打卡|评|排|录|派|立案|[处受]理|下来|出来|制|核|查|反映|投诉"
    "|举报|申请|交)[^,，。]*(?:了没|没有|没$|没[,，]|了吗|好没|到哪|哪一步|哪个环节|啥时候|哪天|几号|多会儿|什么时候|还没)"
    "|[帮给替][我咱].{0,3}[查看]|查一?查|排到(?:多少|第?几)"
)
"""How callers ask what has become of their own case, which is in a file and in no entry."""
_ASPECTS = {name: re.compile(words) for name, words in ASPECTS.items()}
_HOLDINGS = {name: (re.compile(asks), re.compile(holds)) for name, (asks, holds) in HOLDINGS.items()}
_OWN_CASE = re.compile(OWN_CASE)
_MASKED = re.compile(r"\[[^\[\]]{1,8}\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def aspects(text: str) -> frozenset[str]:
    """Return what of a subject `text` asks for."""
    return frozenset(name for name, words in _ASPECTS.items() if words.search(text))


def measured(
    text: str, hits: Sequence[Hit], rarities: Mapping[int, float], places: Sequence[str] = ()
) -> dict[str, float]:
    """Return every measure by name; `hits` the best first, at least one, `rarities` the IDF of the terms of `text`.

    `places` are names of places outside the city.

    Of the first hit: `dense`, `question` (cosines); `coverage` (share of the weight of the question's characters and
    pairs that its texts hold), and their lead over the next (`..._gap`); `first_share` (its softmax share among the
    near hits); `aspect` (share of what is asked for — when, where, how much — that its questions do not ask);
    `number` (1 when a number is asked that it lacks); `lacking` (share of what is to be told exactly — a sum, an hour,
    a telephone number — of which its answer has none); `elsewhere` (1 when a place of `places` is named that it does
    not name). Of the question: `own_case` (1 when it asks what has become of a case). These three read its last `ENDS`
    characters. Of the neighbourhood: `near_dense`, `near_lexical` (means) and `lexical_rise` (standard deviations the
    first stands above).
    """
    first = hits[0]
    near = hits[:NEAR]
    rest = near[1:] or [first]
    total = sum(rarities.values()) or 1.0

    def coverage(hit: Hit) -> float:
        held = _held(hit.entry.question, hit.entry.aliases, hit.entry.answer)
        return sum(w for t, w in rarities.items() if t in held.terms) / total

    own, covered = _held(first.entry.question, first.entry.aliases, first.entry.answer), coverage(first)
    asked, numbers = aspects(text), set(_NUMBER.findall(text))
    end = _MASKED.sub("", text)[-ENDS:]  # the mark of a masked number says "telephone" itself
    exact = [name for name, (asks, _) in _HOLDINGS.items() if asks.search(end)]
    scores = np.exp(np.array([h.score for h in near]) - first.score)
    lexical = np.array([h.lexical for h in hits])
    return {
        "dense": first.dense,
        "question": first.question,
        "question_gap": first.question - max(h.question for h in rest),
        "lexical_gap": first.lexical - max(h.lexical for h in rest),
        "score_gap": first.score - rest[0].score,
        "first_share": float(1 / scores.sum()),
        "length": math.log(1 + len(text)),
        "coverage": covered,
        "coverage_gap": covered - max(coverage(h) for h in rest),
        "aspect": len(asked - own.aspects) / max(1, len(asked)),
        "number": float(bool(numbers - own.numbers)),
        "lacking": sum(name not in own.holdings for name in exact) / max(1, len(exact)),
        "own_case": float(bool(_OWN_CASE.search(end))),
        "elsewhere": float(any(p in end and p not in own.text for p in places)),
        "near_dense": float(np.mean([h.dense for h in hits])),
        "near_lexical": float(lexical.mean()),
        "lexical_rise": float((first.lexical - lexical.mean()) / (lexical.std() + 1e-9)),
    }


class Confidence:
    """A logistic model over measures; `record` holds `features`, `mean`, `scale`, `weights`, `bias`, `threshold`.

    With `places` a place outside the city that the question names counts. With `vector_weights` (dimension,) the
    question's own vector counts too: questions about one person's case, other places or a choice of shops are of a
    kind that no entry answers, however near it comes.

    Raises ValueError for a measure that this version does not know.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.features = tuple(record["features"])
        self._mean, self._scale, self._weights = (np.array(record[k], float) for k in ("mean", "scale", "weights"))
        self._bias = float(record["bias"])
        self._by_vector = np.array(record.get("vector_weights", ()), np.float32)
        self._places = tuple(record.get("places", ()))
        self.threshold = float(record["threshold"])
        if unknown := set(self.features) - KNOWN:
            raise ValueError(
                f"answering.json features:应为 {'、'.join(sorted(KNOWN))},实有 {'、'.join(sorted(unknown))}"
            )

    def __call__(
        self, text: str, vector: NDArray[np.float32], hits: Sequence[Hit], rarities: Mapping[int, float]
    ) -> float:
        """Return the probability that the first of `hits` answers; `vector` (dimension,) is that of `text`."""
        found = measured(text, hits, rarities, self._places)
        x = np.array([found[f] for f in self.features])
        z = float(scaled(x, self._mean, self._scale) @ self._weights) + self._bias
        if len(self._by_vector):
            z += float(np.einsum("i,i", self._by_vector, vector))
        return 1 / (1 + math.exp(-z))


def scaled(x: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return measures (n_features,) or (n, n_features) as the model reads them."""
    return np.clip((x - mean) / scale, -CLIP, CLIP)


class _Held:
    """What the texts of an entry hold."""

    def __init__(self, question: str, aliases: Sequence[str], answer: str) -> None:
        asked = " ".join((question, *aliases))
        whole = f"{asked} {answer}"
        self.text = whole
        self.holdings = frozenset(name for name, (_, holds) in _HOLDINGS.items() if holds.search(answer))
        self.terms = frozenset(grams(whole).tolist())
        self.aspects = aspects(asked)
        self.numbers = frozenset(_NUMBER.findall(whole))


@lru_cache(maxsize=8192)
def _held(question: str, aliases: tuple[str, ...], answer: str) -> _Held:
    return _Held(question, aliases, answer)


_NOTHING = KnowledgeEntry("", "", (), "", "", "", "", "", None, None, (), "", "", None, "", "")
KNOWN = frozenset(measured("", [Hit(_NOTHING, 0.0, 0.0, 0.0, 0.0)], {}))
"""Every measure there is."""
