"""Exact top-k by inner product, computed per block of queries and tile of items."""

from dataclasses import dataclass

import numpy as np

from pipelines.arrays.matrices import Floats, Indices
from pipelines.arrays.ragged import Ragged
from pipelines.kernels import selection
from pipelines.kernels.products import PANEL

_QUERIES = 32  # queries per block
_TILE = 16_384 // PANEL  # panels per tile: a block's scores of 16,384 items take 2 MiB, in cache


@dataclass(frozen=True)
class Panels:
    """Items cut into panels of PANEL, each transposed, so that a product reads one from the cache.

    Args:
        matrix: float32, `(panels, d, PANEL)`, with zeros behind the last item.
        size: Number of items.
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

    Among equal scores the lower index comes first; NaN is left out. Memory is one block of scores,
    and a copy of the items where they are not in panels.

    Args:
        queries: float32 of shape `(n, d)`.
        items: float32 of shape `(m, d)`, or their panels.
        k: Items per query.
        masked: Per query the indices of items that it must not get; -1 is ignored.

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
            queries[start:stop],
            panels.matrix,
            panels.size,
            part.offsets,
            part.values,
            k,
            _TILE,
            block,
        )
        candidates = np.sort(block[:, :width], axis=1)  # takes a tenth of the selection's time
        selection.decode(candidates, indices[start:stop], scores[start:stop])
    return indices, scores
