# mypy: disable-error-code="no-untyped-def, assignment"
"""The k best of scores that come a tile at a time (numba): most of them are only looked at once."""

import numpy as np
from numba import njit

_GROUP = 64


@njit(cache=True, nogil=True, error_model="numpy")
def capacity(k):
    """Return how many candidates a query may hold before they are cut down to k."""
    return 2 * k + _GROUP


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(best, at, count, k):
    """Keep the k best candidates, best first; among equals those that came first."""
    order = np.argsort(-best[:count], kind="mergesort")[:k]
    best[: order.size], at[: order.size] = best[:count][order], at[:count][order]
    return order.size


@njit(cache=True, nogil=True, error_model="numpy")
def _select(row, first, best, at, count, k):
    """Add those of a row's scores that are among the k best so far; return the new count."""
    is_sorted, least = True, best[k - 1] if count >= k else np.float32(-np.inf)
    for begin in range(0, row.size, _GROUP):
        end = min(row.size, begin + _GROUP)
        better = 0
        for i in range(begin, end):
            better += row[i] > least
        if better == 0:
            continue
        if count + better > best.size:
            count = _cut(best, at, count, k)
            least = best[k - 1]
        for i in range(begin, end):
            if row[i] > least:
                best[count] = row[i]
                at[count] = first + i
                count += 1
        is_sorted = False
    return count if is_sorted else _cut(best, at, count, k)


@njit(cache=True, nogil=True, error_model="numpy")
def select_tile(scores, first, offsets, masked, best, at, counts, k):
    """Take one tile of items into the running k best of each query.

    Tiles must come in the order of their items: an item is taken only where it is better than the
    k-th so far, so that ties go by index. NaN and -inf are never taken.

    Args:
        scores: Of each query and item of the tile, `(n, m)`; masked ones become -inf.
        first: Index of the tile's first item.
        offsets: Where each query's masked items are, `(n + 1,)`.
        masked: Indices of items that a query must not get; those outside the tile are ignored.
        best: Scores of the candidates, best first, `(n, capacity(k))`.
        at: Indices of the candidates, as many.
        counts: Number of candidates of each query.
        k: Wanted per query.
    """
    for q in range(scores.shape[0]):
        row = scores[q]
        for j in range(offsets[q], offsets[q + 1]):
            place = masked[j] - first
            if 0 <= place < row.size:
                row[place] = np.float32(-np.inf)
        counts[q] = _select(row, first, best[q], at[q], counts[q], k)
