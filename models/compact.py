"""Weights and vectors in 8 bits a value, one scale a row: how a bundle stores them; nothing is computed in 8 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from models.linear import LinearWeights

EXAMPLES = "examples.safetensors"
"""File of a bundle with the vectors of the written examples."""
_STEPS = 127
_LEAST_SCALE = np.float32(1e-6)
"""Below, float16 has no digits left; a weight that small changes nothing."""


def write_arrays(arrays: dict[str, NDArray[np.generic]], file: Path) -> None:
    """Write a safetensors file; raises OSError, naming the file, where the library's own writer has its own error."""
    file.write_bytes(save(arrays))


def pack_weights(weights: LinearWeights) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of `weights` for a safetensors file; `unpack_weights` reads them.

    A lexical weight is off by at most 1/254 of the largest of its term, a dense one by half a step of float16.
    """
    lengths = np.diff(weights.indptr)
    codes, scales = _quantise(weights.data, lengths)
    wide = np.uint8 if weights.n_outputs <= 256 else np.uint16 if weights.n_outputs <= 65536 else np.int32
    return {
        "codes": codes,
        "scales": scales,
        "columns": weights.columns.astype(wide),
        "lengths": lengths.astype(np.uint16 if lengths.max(initial=0) < 65536 else np.int32),
        "dense": weights.dense.astype(np.float16),
    }


def unpack_weights(arrays: dict[str, NDArray[np.generic]]) -> LinearWeights:
    """Return the weights of a head's arrays, in 8 bits or, from older bundles, float16."""
    if "codes" in arrays:
        lengths = arrays["lengths"].astype(np.int64)
        data = arrays["codes"].astype(np.float32) * np.repeat(arrays["scales"].astype(np.float32), lengths)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    else:
        data, indptr = arrays["data"].astype(np.float32), arrays["indptr"].astype(np.int64)
    return LinearWeights(data, arrays["columns"].astype(np.int32), indptr, arrays["dense"].astype(np.float32))


def save_vectors(file: Path, vectors: NDArray[np.float32]) -> None:
    """Write (n, dimension) `vectors` to `file`; `load_vectors` gives them back to about 1/250 of a row's largest."""
    codes, scales = _quantise(vectors.ravel(), np.full(len(vectors), vectors.shape[1], np.int64))
    write_arrays({"codes": codes.reshape(vectors.shape), "scales": scales}, file)


def load_vectors(file: Path) -> NDArray[np.float32]:
    """Return the (n, dimension) vectors of `file`, in 8 bits or, from older bundles, float16."""
    arrays = load_file(file)
    if "codes" in arrays:
        return arrays["codes"].astype(np.float32) * arrays["scales"].astype(np.float32)[:, None]
    return arrays["vectors"].astype(np.float32)


def _quantise(values: NDArray[np.float32], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Return the 8-bit codes of rows of `lengths` laid end to end, and the scale of each row."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    largest = np.zeros(len(lengths), np.float32)
    np.maximum.at(largest, rows, np.abs(values))
    scales = np.maximum(largest / _STEPS, _LEAST_SCALE).astype(np.float16)
    codes = np.rint(values / scales.astype(np.float32)[rows])
    return np.clip(codes, -_STEPS, _STEPS).astype(np.int8), scales
