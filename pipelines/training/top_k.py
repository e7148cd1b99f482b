"""Exact top-k by inner product: item tiles stream past blocks of queries, ties go by index."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.errors import InputError

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_QUERIES = 1_024  # with the tile below, one block of scores is 32 MiB: it stays near the caches
_ITEMS = 8_192


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


def top_k(
    queries: Floats, items: Floats, *, k: int, masked: Ragged | None = None
) -> tuple[Indices, Floats]:
    """Return the `k` items of largest inner product for each query, best first.

    Among equal scores the lower index comes first. Memory is one block of scores, whatever the
    numbers of queries and items. A score that is NaN counts as none.

    Args:
        queries: Shape `(n, d)`.
        items: Shape `(m, d)`.
        k: Items per query.
        masked: Items that each query must not get, by index; -1 is ignored.

    Returns:
        Indices and scores of shape `(n, k)`; where candidates run out, -1 and -inf.
    """
    indices = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for start in range(0, len(queries), _QUERIES):
        stop = min(start + _QUERIES, len(queries))
        hidden = masked.part(start, stop) if masked is not None else None
        for at, best in _stream(queries[start:stop], items, k, hidden):
            indices[start:stop, : at.shape[1]] = at
            scores[start:stop, : at.shape[1]] = best
    indices[np.isneginf(scores)] = -1
    return indices, scores


def _stream(
    queries: Floats, items: Floats, k: int, masked: Ragged | None
) -> Iterator[tuple[Indices, Floats]]:
    """Yield the running top-k after each tile of items."""
    at = np.empty((len(queries), 0), dtype=np.int64)
    best = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(items), _ITEMS):
        scores = queries @ items[start : start + _ITEMS].T
        if masked is not None:
            here = (masked.values >= start) & (masked.values < start + scores.shape[1])
            scores[masked.rows[here], masked.values[here] - start] = -np.inf
        found = largest(scores, k)
        # Earlier tiles come first and hold lower indices, so a stable sort keeps ties by index.
        at = np.hstack([at, found + start])
        best = np.hstack([best, np.take_along_axis(np.fmax(scores, -np.inf), found, axis=1)])
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        at, best = np.take_along_axis(at, order, axis=1), np.take_along_axis(best, order, axis=1)
        yield at, best


def largest(scores: Floats, k: int) -> Indices:
    """Return the columns of the `k` largest scores of each row, best first, ties by column.

    Args:
        scores: Shape `(n, m)`; NaN counts as -inf.
        k: Columns per row; at most `m` are returned.
    """
    scores = np.fmax(scores, np.float32(-np.inf))
    width = scores.shape[1]
    if k < width:
        chosen = np.argpartition(scores, width - k, axis=1)[:, width - k :]
        least = np.take_along_axis(scores, chosen, axis=1).min(axis=1, keepdims=True)
        tied = np.flatnonzero(np.count_nonzero(scores >= least, axis=1) > k)
        chosen[tied] = _first_of_ties(scores[tied], least[tied], k)
        chosen.sort(axis=1)
    else:
        chosen = np.broadcast_to(np.arange(width), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def _first_of_ties(scores: Floats, least: Floats, k: int) -> Indices:
    """Choose among columns equal to the k-th score those that come first."""
    is_above, is_least = scores > least, scores == least
    room = k - np.count_nonzero(is_above, axis=1, keepdims=True)
    kept = is_above | (is_least & (np.cumsum(is_least, axis=1) <= room))
    return np.nonzero(kept)[1].reshape(len(scores), k)
