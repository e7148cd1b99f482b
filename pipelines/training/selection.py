# mypy: disable-error-code="no-untyped-def, assignment"
"""The k best of scores that come a tile at a time (numba): most of them are only looked at once."""

import numpy as np
from numba import njit

_GROUP = 16
_LEAST_WIDTH = 4


@njit(cache=True, nogil=True, error_model="numpy")
def capacity(k):
    """Return how many candidates a query may hold before they are cut down to k."""
    return 3 * k + _GROUP


@njit(cache=True, nogil=True, error_model="numpy")
def _kth(values, k):
    """Return the k-th largest of some values, which change places (Hoare's quickselect)."""
    first, last, wanted = 0, values.size - 1, k - 1
    while first < last:
        pivot, i, j = values[(first + last) // 2], first, last
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            last = j
        elif wanted >= i:
            first = i
        else:
            break
    return values[wanted]


@njit(cache=True, nogil=True, error_model="numpy")
def _bound(row, k):
    """Return a score that the k-th best of a row is above, or -inf: k groups have one above it.

    Else hundreds would be taken and dropped again before candidates are first cut.
    """
    groups = 2 * k
    width = row.size // groups
    if width < _LEAST_WIDTH:
        return np.float32(-np.inf)
    largest = row[:groups].copy()
    for begin in range(groups, width * groups, groups):
        for g in range(groups):  # groups lie across, so that this is one instruction for many
            score = row[begin + g]
            largest[g] = score if score > largest[g] else largest[g]
    for g in range(groups):
        if np.isnan(largest[g]):
            return np.float32(-np.inf)
    return np.nextafter(_kth(largest, k), np.float32(-np.inf))


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(best, at, count, k):
    """Keep the k best candidates in the order they came; return the least of them.

    Among those equal to it the first ones are kept.
    """
    least = _kth(best[:count].copy(), k)
    room, kept = k, 0
    for i in range(count):
        room -= best[i] > least
    for i in range(count):
        is_tie = best[i] == least
        if best[i] > least or (is_tie and room > 0):
            best[kept], at[kept] = best[i], at[i]
            kept += 1
            room -= is_tie
    return least


@njit(cache=True, nogil=True, error_model="numpy")
def _select(row, first, best, at, count, least, k):
    """Add a row's scores above the least; return the count and least of the candidates after."""
    if first == 0:
        least = _bound(row, k)
    for begin in range(0, row.size, _GROUP):
        end = min(row.size, begin + _GROUP)
        better = 0
        for i in range(begin, end):
            better += row[i] > least
        if better == 0:
            continue
        if count + end - begin > best.size:
            least, count = _cut(best, at, count, k), k
        for i in range(begin, end):  # written in any case: a branch would be guessed wrong
            best[count], at[count] = row[i], first + i
            count += row[i] > least
    return count, least


@njit(cache=True, nogil=True, error_model="numpy")
def select_tile(scores, first, offsets, masked, best, at, counts, least, k):
    """Take one tile of items into the running candidates of each query.

    Tiles must come in the order of their items: an item is taken only where it is better than the
    k-th when candidates were last cut, so that ties go by index. NaN and -inf are never taken.

    Args:
        scores: Of each query and item of the tile, `(n, m)`; masked ones become -inf.
        first: Index of the tile's first item.
        offsets: Where each query's masked items are, `(n + 1,)`.
        masked: Indices of items that a query must not get; those outside the tile are ignored.
        best: Scores of the candidates in the order they came, `(n, capacity(k))`.
        at: Indices of the candidates, as many.
        counts: Number of candidates of each query.
        least: Score that a candidate must be above, of each query.
        k: Wanted per query.
    """
    for q in range(scores.shape[0]):
        row = scores[q]
        for j in range(offsets[q], offsets[q + 1]):
            place = masked[j] - first
            if 0 <= place < row.size:
                row[place] = np.float32(-np.inf)
        counts[q], least[q] = _select(row, first, best[q], at[q], counts[q], least[q], k)


@njit(cache=True, nogil=True, error_model="numpy")
def rank(best, at, counts, k, indices, scores):
    """Write the k best candidates of each query, best first, to `indices` and `scores` `(n, k)`."""
    for q in range(counts.size):
        count = counts[q]
        if count > k:
            _cut(best[q], at[q], count, k)
            count = k
        order = np.argsort(-best[q, :count], kind="mergesort")
        for i in range(count):
            indices[q, i], scores[q, i] = at[q, order[i]], best[q, order[i]]
