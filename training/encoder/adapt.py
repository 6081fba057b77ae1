"""Adapting the upper layers of the encoder to question and answer pairs, held near the original; needs `finetune`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.masking import mask
from models.text import normalise
from training.encoder.wheel import Weights
from training.tickets import prepare

if TYPE_CHECKING:
    import torch

    States = list[torch.Tensor]


@dataclass(frozen=True)
class Pair:
    """A text that asks and one that answers; only passages of the same `source` are held against each other."""

    source: str
    query: str
    passage: str


@dataclass(frozen=True)
class Adaptation:
    """How far and how the upper layers move."""

    steps: int = 120
    batch: int = 20
    """Pairs of a step, all of one source and with different passages; each brings one hard negative along."""
    rate: float = 2e-5
    layers: int = 4
    """Layers from the top that learn; what comes out of those below is computed once per text."""
    temperature: float = 0.02
    drift: float = 5.0
    """Weight of the squared distance of every vector from where it was."""
    near: int = 15
    """The hard negative is one of this many wrong passages that the original encoder finds nearest."""
    length: int = 64
    """Tokens of a text that are looked at."""
    seed: int = 0


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a CSV with the columns query and passage, personal data masked; its stem is the source.

    Raises ValueError that names the file and the missing column, or the row with an empty cell.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in ("query", "passage") if c not in (reader.fieldnames or ())]
        if missing:
            found = "、".join(reader.fieldnames or ()) or "无"
            raise ValueError(f"{path}:缺少列 {'、'.join(missing)};现有列:{found}")
        pairs = []
        for row in reader:
            query, passage = prepare(row["query"] or ""), mask(normalise(row["passage"] or ""))
            if not query or not passage:
                raise ValueError(f"{path}:第 {reader.line_num} 行:query 与 passage 都应有内容")
            pairs.append(Pair(path.stem, query, passage))
    return pairs


def adapt(
    pairs: Sequence[Pair],
    options: Adaptation = Adaptation(),
    *,
    source: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Weights, Weights, dict[str, Any]]:
    """Return the weights before and after learning from `pairs`, and how it went; `source` as in `wheel.read`.

    `loss` is that of the first and last fifth of the steps, `drift` the mean squared distance of a vector from where
    it was, in the last fifth.
    Contrastive loss over the passages of a batch and one hard negative each (Karpukhin et al., 2020), with the drift
    as regulariser. Sources take turns by the root of their size. Raises ValueError when no source has two passages.
    """
    import torch

    from training.encoder.torch_model import to_sentence_transformer, to_weights
    from training.encoder.wheel import read

    groups = _by_source(pairs)
    if not groups:
        raise ValueError("pairs: expected a source with two different passages, found none")
    torch.manual_seed(options.seed)
    before = read(source)
    model = to_sentence_transformer(source, max_length=options.length)
    tower = _Tower(model, options.layers)
    queries, passages = ({t: i for i, t in enumerate(dict.fromkeys(texts))} for texts in zip(
        *((p.query, p.passage) for p in pairs), strict=True))  # fmt: skip
    asked, answered = tower.lower(list(queries), "query"), tower.lower(list(passages), "passage")
    old_asked, old_answered = tower.vectors(asked), tower.vectors(answered)
    tell(f"{len(queries)} 条提问、{len(passages)} 段答文已过底层")
    sampler = _Sampler(groups, queries, passages, old_asked, old_answered, options)
    learning = tower.learning()
    optimiser = torch.optim.AdamW(learning, lr=options.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    history: list[float] = []
    drifts: list[float] = []
    for step in range(options.steps):
        rows, columns = sampler.batch()
        query, passage = tower.upper([asked[i] for i in rows]), tower.upper([answered[i] for i in columns])
        places, owners = torch.arange(len(rows)), torch.tensor(columns)
        twin = (owners[None, :] == owners[: len(rows), None]) & (torch.arange(len(columns)) != places[:, None])
        scores = (query @ passage.T / options.temperature).masked_fill(twin, -1e9)
        right = torch.nn.functional.cross_entropy(scores, places)
        moved = [(v - torch.from_numpy(o[i])).square().sum(1).mean() for v, o, i in (
            (query, old_asked, rows), (passage, old_answered, columns))]  # fmt: skip
        optimiser.zero_grad()
        (right + options.drift * (moved[0] + moved[1])).backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        schedule.step()
        history.append(float(right.detach()))
        drifts.append(float((moved[0] + moved[1]).detach()) / 2)
        if (step + 1) % 20 == 0:
            tell(f"第 {step + 1}/{options.steps} 步,损失 {np.mean(history[-20:]):.3f}")
    tail = max(1, len(history) // 5)
    made = {
        "pairs": {s: len(g) for s, g in groups.items()},
        "options": {k: getattr(options, k) for k in options.__dataclass_fields__},
        "loss": [round(float(np.mean(part)), 4) for part in (history[:tail], history[-tail:])],
        "drift": round(float(np.mean(drifts[-tail:])), 5),
    }
    return before, to_weights(model.eval(), before), made


def blend(before: Weights, after: Weights, share: float) -> Weights:
    """Return the average of two sets of weights, `share` of it `after` (Wortsman et al., 2022)."""
    tensors = {
        n: t if after.tensors[n] is t else ((1 - share) * t + share * after.tensors[n]).astype(np.float32)
        for n, t in before.tensors.items()
    }
    return replace(after, tensors=tensors, source=f"{before.source}, adapted, share {share:g}")


def _by_source(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = {}
    for pair in dict.fromkeys(pairs):
        groups.setdefault(pair.source, []).append(pair)
    return {s: g for s, g in sorted(groups.items()) if len({p.passage for p in g}) > 1}


class _Tower:
    """The encoder cut in two: layers that stay as they are, and those above that learn."""

    def __init__(self, model: Any, layers: int) -> None:
        self._model = model
        bert = next(m for m in model[0].modules() if type(m).__name__ == "BertModel")
        self._embeddings = bert.embeddings
        every = list(bert.encoder.layer)
        self._lower, self._upper = every[: len(every) - layers], every[len(every) - layers :]

    def learning(self) -> list[torch.nn.Parameter]:
        """Return the parameters of the layers that learn."""
        return [p for layer in self._upper for p in layer.parameters()]

    def lower(self, texts: Sequence[str], kind: str, *, batch: int = 32) -> States:
        """Return what comes out of the lower layers, one tensor (tokens, hidden) of half precision a text."""
        import torch

        out: States = [torch.empty(0)] * len(texts)
        with torch.no_grad():
            for rows in _batches([len(t) for t in texts], batch):
                coded = self._model.preprocess([f"{kind}: {texts[i]}" for i in rows])
                kept = coded["attention_mask"].bool()
                x = self._embeddings(input_ids=coded["input_ids"])
                for layer in self._lower:
                    x = layer(x, _bias(kept))
                for i, states, mask in zip(rows, x, kept, strict=True):
                    out[i] = states[mask].half()
        return out

    def upper(self, states: States) -> torch.Tensor:
        """Return the vectors of texts whose lower states are given, shape (n_texts, hidden)."""
        import torch

        x = torch.nn.utils.rnn.pad_sequence([s.float() for s in states], batch_first=True)
        kept = torch.arange(x.shape[1])[None] < torch.tensor([len(s) for s in states])[:, None]
        for layer in self._upper:
            x = layer(x, _bias(kept))
        return torch.nn.functional.normalize((x * kept[..., None]).sum(1), dim=1)

    def vectors(self, states: States, *, batch: int = 32) -> NDArray[np.float32]:
        """Return the same as `upper`, without learning from it."""
        import torch

        out = np.zeros((len(states), states[0].shape[1]), np.float32)
        with torch.no_grad():
            for rows in _batches([len(s) for s in states], batch):
                out[rows] = self.upper([states[i] for i in rows]).numpy()
        return out


def _bias(kept: torch.Tensor) -> torch.Tensor:
    return (~kept)[:, None, None, :].float() * -1e9


def _batches(sizes: Sequence[int], batch: int) -> list[NDArray[np.int64]]:
    """Return the places of `sizes` in batches of texts that are about equally long."""
    order = np.argsort(sizes, kind="stable")
    return [order[i : i + batch] for i in range(0, len(order), batch)]


class _Sampler:
    """Draws batches: pairs of one source with different passages, and a hard negative for each."""

    def __init__(
        self, groups: dict[str, list[Pair]], queries: dict[str, int], passages: dict[str, int],
        asked: NDArray[np.float32], answered: NDArray[np.float32], options: Adaptation,
    ) -> None:  # fmt: skip
        self._pairs = [[(queries[p.query], passages[p.passage]) for p in g] for g in groups.values()]
        self._pools = [np.unique([p for _, p in g]) for g in self._pairs]
        root = np.sqrt([len(g) for g in self._pairs])
        self._turns = root / root.sum()
        self._asked, self._answered, self._options = asked, answered, options
        self._rng = np.random.default_rng(options.seed)

    def batch(self) -> tuple[list[int], list[int]]:
        """Return the places of the queries, and of their passages followed by the hard negatives."""
        source = int(self._rng.choice(len(self._pairs), p=self._turns))
        chosen: dict[int, int] = {}
        for i in self._rng.permutation(len(self._pairs[source])):
            query, passage = self._pairs[source][i]
            chosen.setdefault(passage, query)
            if len(chosen) == self._options.batch:
                break
        hard = [self._hard(source, query, passage) for passage, query in chosen.items()]
        return list(chosen.values()), [*chosen, *hard]

    def _hard(self, source: int, query: int, passage: int) -> int:
        pool = self._pools[source]
        pool = pool[pool != passage]
        near = pool[np.argsort(-(self._answered[pool] @ self._asked[query]))[: self._options.near]]
        return int(self._rng.choice(near))
