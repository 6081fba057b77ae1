"""Nearest vectors by slot behind one protocol: FAISS exact, in 8 bits, in cells, and growing from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CROSSOVER = 4_000
"""Vectors from which 8 bits a component replace the exact scan. Measured, one thread of a busy machine, 384 dimensions,
exact / 8 bits: 0.17 / 0.12 ms at 2,000, 0.43 / 0.20 at 5,000, 0.95 / 0.36 at 10,000, 4.7 / 0.96 at 30,000."""
CELLS_FROM = 50_000
"""Vectors from which only the nearest of `CELLS` cells are compared. Measured at 100,000 (8,345 of real texts, the
others between them), one thread of a busy machine, all in 8 bits / 32 / 64 of 256 cells: 6.2 / 1.0 / 1.8 ms; of the
exact first ten 1.0 / .995 / .999 are nominated, of the exact first fifty 1.0 / .983 / .991. That was with products of
fractions; whole numbers take .74 ms where those took .85, and nominate as many."""
CELLS = 256
PROBED = 32
"""Cells that are looked into."""
MARGIN = 0.1
"""Share of the largest component of the first vectors by which the range is widened, for vectors that come later."""
_MOST = 127

Slots = NDArray[np.int64]
Vectors = NDArray[np.float32]


class VectorIndex(Protocol):
    """Finds the slots whose vectors have the highest inner product with a query (the cosine, for vectors of norm 1).

    A change is visible to the next search. Not to be changed while another thread searches. All but `len` raise
    ConnectionError when they need a server that cannot be reached.
    """

    def __len__(self) -> int:
        """Number of vectors."""
        ...

    def add(self, slots: Slots, vectors: Vectors) -> None:
        """Take `vectors` (n, dimension) under n different `slots` >= 0; what a slot held before is replaced."""
        ...

    def remove(self, slots: Slots) -> None:
        """Forget `slots`; unknown ones are passed over."""
        ...

    def search(self, vector: Vectors, k: int) -> tuple[Slots, Vectors]:
        """Return (slots, inner products) of the at most `k` nearest to `vector` (dimension,), the nearest first."""
        ...

    def close(self) -> None:
        """Release what is held outside this process; nothing is asked of the index afterwards."""
        ...


Make = Callable[[int], VectorIndex]
"""What makes an empty index for vectors of a dimension."""


class _FaissIndex:
    """A FAISS index whose vectors are named by slots."""

    def __init__(self, index: Any) -> None:
        import faiss

        self._faiss = faiss
        self._index = index
        self._present = np.zeros(0, bool)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, slots: Slots, vectors: Vectors) -> None:
        """Take `vectors` under `slots`."""
        slots = np.ascontiguousarray(slots, np.int64)
        if not len(slots):
            return
        self.remove(slots)
        if slots.max() >= len(self._present):
            self._present = np.pad(self._present, (0, int(slots.max()) + 1 + len(self._present) // 4))
        self._present[slots] = True
        self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), slots)

    def remove(self, slots: Slots) -> None:
        """Forget `slots`."""
        slots = np.asarray(slots, np.int64)
        slots = slots[(slots >= 0) & (slots < len(self._present))]
        slots = slots[self._present[slots]]
        if len(slots):
            self._index.remove_ids(self._faiss.IDSelectorBatch(np.unique(slots)))
            self._present[slots] = False

    def search(self, vector: Vectors, k: int) -> tuple[Slots, Vectors]:
        """Return the nearest."""
        k = min(k, len(self))
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._faiss.omp_set_num_threads(1)  # one query is one thread's work; waking others waits for busy cores
        products, slots = self._index.search(np.ascontiguousarray(vector, np.float32)[None], k)
        found = slots[0] >= 0
        return slots[0][found], products[0][found]

    def close(self) -> None:
        """Nothing is held outside this process."""


class FlatIndex(_FaissIndex):
    """Every vector as it is, every one compared."""

    def __init__(self, dimension: int) -> None:
        import faiss

        super().__init__(faiss.IndexIDMap(faiss.IndexFlatIP(dimension)))

    def contents(self) -> tuple[Slots, Vectors]:
        """Return (slots, vectors) of all it holds."""
        return self._faiss.vector_to_array(self._index.id_map), self._index.index.reconstruct_n(0, len(self))


class _CentredIndex(_FaissIndex):
    """Whole numbers from -127 to 127 for the components: a quarter of the memory, and multiplied as whole numbers.

    The mean of the first `add` is taken off, and one step serves all components: the order of inner products does not
    change by it. The query gets a step of its own. On vectors of the encoder 0.97 of the exact first ten come, all of
    them among the first twenty-four: ask for more than needed and compare exactly.
    """

    def __init__(self, index: Any, dimension: int) -> None:
        super().__init__(index)
        self._centre = np.zeros(dimension, np.float32)
        self._step = 0.0

    def add(self, slots: Slots, vectors: Vectors) -> None:
        """Take `vectors` under `slots`; the first that come should be like those to come."""
        if not len(slots):
            return
        if not self._step:
            self._centre = vectors.mean(0, dtype=np.float32)
            self._step = float(np.abs(vectors - self._centre).max() * (1 + MARGIN) / _MOST) or 1.0
            self._index.train(self._whole(vectors - self._centre, self._step))
        super().add(slots, self._whole(vectors - self._centre, self._step))

    def search(self, vector: Vectors, k: int) -> tuple[Slots, Vectors]:
        """Return the nearest."""
        step = float(np.abs(vector).max() / _MOST) or 1.0
        slots, products = super().search(self._whole(vector, step), k)
        return slots, products * np.float32(step * self._step) + np.float32(np.einsum("i,i", vector, self._centre))

    @staticmethod
    def _whole(values: Vectors, step: float) -> Vectors:
        return np.rint(values / np.float32(step)).clip(-_MOST, _MOST)


class ScalarIndex(_CentredIndex):
    """Eight bits a component, every vector compared: a third of the time of the exact scan."""

    def __init__(self, dimension: int) -> None:
        import faiss

        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        super().__init__(faiss.IndexIDMap(index), dimension)

    def contents(self) -> tuple[Slots, Vectors]:
        """Return (slots, vectors) of all it holds, the vectors as eight bits tell them."""
        vectors = self._index.index.reconstruct_n(0, len(self)) * np.float32(self._step) + self._centre
        return self._faiss.vector_to_array(self._index.id_map), vectors


class CellIndex(_CentredIndex):
    """Eight bits a component, in cells round the means of the first `add`; a search looks into the nearest cells.

    A fifth of the time of comparing all. The first `add` should bring at least 40 vectors a cell; it takes seconds.
    """

    def __init__(self, dimension: int, cells: int = CELLS, probed: int = PROBED) -> None:
        import faiss

        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._means = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            self._means, dimension, cells, kind, faiss.METRIC_INNER_PRODUCT, False
        )  # fmt: skip
        index.nprobe = probed
        index.cp.niter = 8
        super().__init__(index, dimension)


class GrowingIndex:
    """A FlatIndex, from `crossover` vectors on a ScalarIndex, from `cells_from` vectors on a CellIndex.

    It does not go back when it shrinks.
    """

    def __init__(self, dimension: int, crossover: int = CROSSOVER, cells_from: int = CELLS_FROM) -> None:
        self._dimension = dimension
        self._crossover = crossover
        self._cells_from = cells_from
        self._index: FlatIndex | ScalarIndex | CellIndex = FlatIndex(dimension)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def exact(self) -> bool:
        """Whether nothing is approximated yet."""
        return isinstance(self._index, FlatIndex)

    @property
    def celled(self) -> bool:
        """Whether a search looks at a part of the vectors alone."""
        return isinstance(self._index, CellIndex)

    def add(self, slots: Slots, vectors: Vectors) -> None:
        """Take `vectors` under `slots`."""
        self._index.add(slots, vectors)
        if isinstance(self._index, FlatIndex | ScalarIndex) and len(self._index) > self._cells_from:
            self._become(CellIndex(self._dimension), self._index)
        elif isinstance(self._index, FlatIndex) and len(self._index) > self._crossover:
            self._become(ScalarIndex(self._dimension), self._index)

    def _become(self, new: ScalarIndex | CellIndex, old: FlatIndex | ScalarIndex) -> None:
        new.add(*old.contents())
        self._index = new

    def remove(self, slots: Slots) -> None:
        """Forget `slots`."""
        self._index.remove(slots)

    def search(self, vector: Vectors, k: int) -> tuple[Slots, Vectors]:
        """Return the nearest."""
        return self._index.search(vector, k)

    def close(self) -> None:
        """Nothing is held outside this process."""


class Grown:
    """An array that grows at its end at a constant cost a row; unused room costs no memory until written."""

    def __init__(self, shape: Sequence[int], dtype: type) -> None:
        self._room: NDArray[Any] = np.empty((0, *shape), dtype)
        self._size = 0

    @property
    def array(self) -> NDArray[Any]:
        """What was added, as a view."""
        return self._room[: self._size]

    def extend(self, rows: NDArray[Any]) -> None:
        """Add `rows` at the end."""
        size = self._size + len(rows)
        if size > len(self._room):
            room = np.empty((max(size, 2 * self._size, 16), *self._room.shape[1:]), self._room.dtype)
            room[: self._size] = self.array
            self._room = room
        self._room[self._size : size] = rows
        self._size = size
