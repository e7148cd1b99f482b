"""Exact top-k by inner product: item tiles stream past blocks of queries, ties go by index."""

from dataclasses import dataclass

import numpy as np

from pipelines.arrays.matrices import Floats, Indices
from pipelines.arrays.ragged import Ragged
from pipelines.kernels import selection
from pipelines.kernels.products import PANEL

_QUERIES = 32  # with the tile below, one block of scores is 2 MiB: it stays in the caches
_TILE = 16_384 // PANEL  # panels


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
