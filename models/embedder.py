"""Texts to vectors: the ONNX encoder of the bundle, or any sentence-transformers model, behind one protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["query", "passage"]


class Embedder(Protocol):
    """Turns texts into vectors of norm 1."""

    name: str
    """Identity of the weights: equal names give equal vectors."""
    dimension: int

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension); `query` is what is asked, `passage` what is searched."""
        ...


class OnnxEmbedder:
    """The encoder of a folder with `encoder.onnx`, `tokenizer.json` and `encoder.json`.

    One text a run: 8-bit values are scaled by the loudest number of a run, so a text would otherwise get another
    vector beside other texts. Many texts are encoded by `parallel` threads at once (default: every core that this
    process may use). `threads` is the number of threads of one run; one is best for a short text.
    Raises FileNotFoundError when a file is missing.
    """

    def __init__(self, folder: Path, *, threads: int = 1, parallel: int | None = None) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        for needed in ("encoder.onnx", "tokenizer.json", "encoder.json"):
            if not (folder / needed).is_file():
                raise FileNotFoundError(
                    f"{folder / needed}: missing; build it with `yousu encoder build --out {folder}`"
                )
        meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        self.name = f"{meta['model']}-{meta['precision']}-{meta['sha256']['encoder.onnx'][:12]}"
        self.dimension = int(meta["dimension"])
        self.parallel = parallel or len(os.sched_getaffinity(0))
        self._prefix: dict[str, str] = meta["prefixes"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(int(meta["max_length"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused kernel takes twice the time of its two parts
        )  # fmt: skip

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension); `batch_size` changes nothing here."""
        prefix = self._prefix[kind]
        codes = self._tokenizer.encode_batch([prefix + _clean(t) for t in texts])
        out = np.zeros((len(texts), self.dimension), np.float32)

        def run(row: int) -> None:
            ids = np.asarray([codes[row].ids], np.int64)
            out[row] = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]

        if len(texts) < 2 or self.parallel < 2:
            for row in range(len(texts)):
                run(row)
            return out
        list(self._threads.map(run, range(len(texts))))
        return out

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """Started when first needed, and kept for the texts to come."""
        return ThreadPoolExecutor(self.parallel, "encode")


class SentenceTransformerEmbedder:
    """Any sentence-transformers model by name or path; needs the `finetune` extra."""

    def __init__(self, name_or_path: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ImportError(f"{name_or_path}: needs the extra: pip install 'yousu[finetune]'") from error
        self._model = SentenceTransformer(name_or_path)
        self.name = str(name_or_path)
        self.dimension = int(self._model.get_sentence_embedding_dimension())

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension)."""
        prompt = kind if kind in (self._model.prompts or {}) else None
        vectors = self._model.encode(
            [_clean(t) for t in texts], prompt_name=prompt, batch_size=batch_size, normalize_embeddings=True
        )
        return np.asarray(vectors, np.float32)


def load_embedder(name_or_path: str | Path, *, threads: int = 1) -> Embedder:
    """Return the embedder of an encoder folder, or of any sentence-transformers model by path or name."""
    folder = Path(name_or_path)
    if (folder / "encoder.json").is_file():
        return OnnxEmbedder(folder, threads=threads)
    return SentenceTransformerEmbedder(str(name_or_path))


def _clean(text: str) -> str:
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
