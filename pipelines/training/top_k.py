"""Exact top-k by inner product: item tiles stream past blocks of queries, ties go by index."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.errors import InputError
from pipelines.training import selection
from pipelines.training.grouping import taken
from pipelines.training.products import PANEL

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_QUERIES = 32  # with the tile below, one block of scores is 2 MiB: it stays in the caches
_TILE = 16_384 // PANEL  # panels


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths: list i is `values[offsets[i]:offsets[i + 1]]`."""

    offsets: Indices
    values: Indices

    @property
    def rows(self) -> Indices:
        """Return the list that each value belongs to."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def counts(self) -> Indices:
        """Return the lengths of the lists."""
        return np.diff(self.offsets)

    def take(self, places: Indices) -> "Ragged":
        """Return the lists at some places; that of -1 is empty."""
        return Ragged(*taken(self.values, self.offsets, places))

    def part(self, start: int, stop: int) -> "Ragged":
        """Return the lists from `start` up to `stop`."""
        offsets = self.offsets[start : stop + 1]
        return Ragged(offsets - offsets[0], self.values[offsets[0] : offsets[-1]])


def as_ragged(column: Any) -> Ragged:
    """Return an Arrow column of lists of ints as one `Ragged`; a null is an empty list."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Ragged(offsets, column.flatten().to_numpy(zero_copy_only=False).astype(np.int64))


def as_matrix(column: Any, *, dimension: int | None = None) -> Floats:
    """Return an Arrow column of vectors as a float32 matrix `(rows, dimension)`.

    Args:
        column: Array or chunked array of lists of floats without nulls.
        dimension: Components each vector must have; None takes those of the first.

    Raises:
        InputError: A vector has another number of components.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    expected = dimension if dimension is not None else int(lengths[0]) if len(lengths) else 0
    wrong = lengths[lengths != expected]
    if len(wrong):
        raise InputError(
            f"a vector has {wrong[0]} components where {expected} were expected; "
            "the table mixes spaces or is broken"
        )
    flat: Floats = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return flat.reshape(len(column), expected)


def as_lists(matrix: NDArray[Any], *, is_null: NDArray[np.bool_] | None = None) -> Any:
    """Return the rows of a matrix as an Arrow column of lists, null where told."""
    if is_null is None:
        is_null = np.zeros(len(matrix), np.bool_)
    lengths = np.where(is_null, 0, matrix.shape[1])
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    values = pa.array(matrix[~is_null].ravel())
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(is_null))


def normalised(matrix: Floats) -> Floats:
    """Return the rows at length one; a row of zeros stays one."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Floats = np.divide(matrix, norms, out=np.zeros_like(matrix), where=norms > 0)
    return unit


@dataclass(frozen=True)
class Panels:
    """Items as they are multiplied: `matrix (panels, d, PANEL)`, zeros behind the last of `size`.

    One panel's product with a block of queries has all it reads in the first cache.
    """

    matrix: Floats
    size: int

    @classmethod
    def of(cls, items: Floats) -> "Panels":
        """Return the rows of a matrix in panels."""
        panels = np.zeros((-(-len(items) // PANEL), PANEL, items.shape[1]), np.float32)
        panels.reshape(-1, items.shape[1])[: len(items)] = items
        return cls(np.ascontiguousarray(panels.transpose(0, 2, 1)), len(items))


def top_k(
    queries: Floats, items: Floats | Panels, *, k: int, masked: Ragged | None = None
) -> tuple[Indices, Floats]:
    """Return the `k` items of largest inner product for each query, best first.

    Among equal scores the lower index comes first. Memory is one block of scores, and the items
    once more where they are not in panels. A score that is NaN counts as none.

    Args:
        queries: float32 of shape `(n, d)`.
        items: float32 of shape `(m, d)`, or panels of them, where they are asked for again.
        k: Items per query.
        masked: Items that each query must not get, by index; -1 is ignored.

    Returns:
        Indices and scores of shape `(n, k)`; where candidates run out, -1 and -inf.
    """
    hidden = masked or Ragged(np.zeros(len(queries) + 1, np.int64), np.empty(0, np.int64))
    panels = items if isinstance(items, Panels) else Panels.of(items)
    best = np.empty((_QUERIES, selection.capacity(k)), np.uint64)
    indices = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), _QUERIES):
        stop = min(start + _QUERIES, len(queries))
        part, block = hidden.part(start, stop), best[: stop - start]
        width = selection.select_block(
            queries[start:stop], panels.matrix, panels.size, part.offsets, part.values, k, _TILE,
            block,
        )  # fmt: skip
        found = np.sort(block[:, :width], axis=1)  # numpy's takes a tenth of selecting k of them
        selection.decode(found, indices[start:stop], scores[start:stop])
    return indices, scores
