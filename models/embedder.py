"""Texts to vectors: the ONNX encoder of the bundle, or any sentence-transformers model, behind one protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
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

    `threads` is the number of threads of one inference; one is best for a single short text.
    Raises FileNotFoundError when a file is missing.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
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
        self._prefix: dict[str, str] = meta["prefixes"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(int(meta["max_length"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension); texts of like length share a batch."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        prefix = self._prefix[kind]
        codes = self._tokenizer.encode_batch([prefix + _clean(t) for t in texts])
        order = sorted(range(len(texts)), key=lambda i: len(codes[i].ids))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            width = len(codes[rows[-1]].ids)
            ids = np.ones((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for k, row in enumerate(rows):
                tokens = codes[row].ids
                ids[k, : len(tokens)] = tokens
                mask[k, : len(tokens)] = 1
            out[rows] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return out


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
