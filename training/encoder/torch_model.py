"""The encoder as a sentence-transformers model, for fine-tuning and as the reference; needs the finetune extra."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.encoder.tokenizer import build_tokenizer, useful_pieces
from training.encoder.wheel import Weights, read

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
    "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDING = {
    "emb.pos": "embeddings.position_embeddings.weight", "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias",
}  # fmt: skip


def to_sentence_transformer(source: Path | None = None, *, max_length: int = 512) -> SentenceTransformer:
    """Return the pruned float32 encoder with its prompts `query` and `passage`; `source` as in `wheel.read`."""
    from sentence_transformers import SentenceTransformer

    weights = read(source)
    keep = useful_pieces(weights)
    with tempfile.TemporaryDirectory() as temporary:
        _save(weights, keep, Path(temporary), max_length)
        return _assemble(SentenceTransformer, Path(temporary), max_length)


def _assemble(kind: type[SentenceTransformer], folder: Path, max_length: int) -> SentenceTransformer:
    from sentence_transformers import models as parts

    transformer = parts.Transformer(str(folder), max_seq_length=max_length)
    pooling = parts.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    prompts = {"query": "query: ", "passage": "passage: "}
    return kind(modules=[transformer, pooling, parts.Normalize()], prompts=prompts, device="cpu")


def _save(weights: Weights, keep: list[int], folder: Path, max_length: int) -> None:
    """Write a Hugging Face folder: configuration, weights and tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    t = weights.tensors
    config = BertConfig(
        vocab_size=len(keep),
        hidden_size=weights.hidden,
        num_hidden_layers=weights.layers,
        num_attention_heads=weights.heads,
        intermediate_size=weights.feed_forward,
        max_position_embeddings=len(t["emb.pos"]),
        type_vocab_size=len(t["emb.type"]),
        layer_norm_eps=weights.epsilon,
        hidden_act="gelu",
    )
    state = {
        "embeddings.word_embeddings.weight": t["emb.word"][keep],
        **{name: t[short] for short, name in _EMBEDDING.items()},
    }
    for i in range(weights.layers):
        for short, name in _LAYER.items():
            state[f"encoder.layer.{i}.{name}.weight"] = t[f"l{i}.{short}.w"]
            state[f"encoder.layer.{i}.{name}.bias"] = t[f"l{i}.{short}.b"]
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    model.eval().save_pretrained(str(folder))
    names = {key: weights.pieces[i] for key, i in weights.special.items()}
    PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(weights, keep, max_length),
        bos_token=names["bos"], cls_token=names["bos"], eos_token=names["eos"], sep_token=names["eos"],
        pad_token=names["pad"], unk_token=names["unk"], model_max_length=max_length,
    ).save_pretrained(str(folder))  # fmt: skip


def to_weights(model: SentenceTransformer, before: Weights) -> Weights:
    """Return the weights of an adapted `to_sentence_transformer` model; pieces it left out keep those of `before`."""
    state = {k: v.detach().cpu().float().numpy() for k, v in model[0].state_dict().items()}
    prefix = next(k for k in state if k.endswith("embeddings.word_embeddings.weight"))
    prefix = prefix.removesuffix("embeddings.word_embeddings.weight")
    word = before.tensors["emb.word"].copy()
    word[useful_pieces(before)] = state[f"{prefix}embeddings.word_embeddings.weight"]
    tensors = {"emb.word": word}
    for short, name in _EMBEDDING.items():
        tensors[short] = state[f"{prefix}{name}"]
    for i in range(before.layers):
        for short, name in _LAYER.items():
            for kind, ending in (("w", "weight"), ("b", "bias")):
                tensors[f"l{i}.{short}.{kind}"] = state[f"{prefix}encoder.layer.{i}.{name}.{ending}"]
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].tobytes())
    return replace(before, tensors=tensors, sha256=digest.hexdigest())
