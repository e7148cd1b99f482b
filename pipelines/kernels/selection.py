# mypy: ignore-errors
"""The k best of scores that come a tile at a time (numba): most of them are only looked at once.

A candidate is one number that sorts as it ranks: the score's bits, so turned that larger ones are
better, above the complement of its index, so that the first of equal scores is the larger.
"""

import numpy as np

from pipelines.kernels.compiling import compiled
from pipelines.kernels.products import PANEL, multiply
from pipelines.kernels.scanning import COUNT, above, lowest

_LEAST_WIDTH, _HALVINGS = 4, 10
_SIGN, _ALL, _HALF = np.uint64(1 << 31), np.uint64((1 << 32) - 1), np.uint64(32)
NOTHING = np.uint64(0)
"""No candidate: below the one of any score but NaN."""


@compiled()
def capacity(k):
    """Return how many candidates a query may hold before they are cut down to k."""
    return 3 * k + COUNT


@compiled(nogil=True, error_model="numpy")
def _candidate(bits, index):
    """Return the candidate of a score, given by its bits, and an index; -0 is as good as 0."""
    wide = np.uint64(bits)
    if wide == _SIGN:
        wide = NOTHING
    turned = wide ^ (_ALL if wide & _SIGN else _SIGN)
    return turned << _HALF | (_ALL - np.uint64(index))


@compiled(nogil=True, error_model="numpy")
def decode(candidates, indices, scores):
    """Write indices and scores of the best of sorted candidates; -1 and -inf where they run out."""
    bits, width = scores.view(np.uint32), candidates.shape[1]
    for q in range(indices.shape[0]):
        for n in range(indices.shape[1]):
            candidate = candidates[q, width - 1 - n] if n < width else NOTHING
            if candidate == NOTHING:
                indices[q, n], scores[q, n] = -1, -np.inf
                continue
            turned = candidate >> _HALF
            indices[q, n] = np.int64(_ALL - (candidate & _ALL))
            bits[q, n] = np.uint32(turned ^ (_SIGN if turned & _SIGN else _ALL))


@compiled(nogil=True, error_model="numpy")
def _score(candidate):
    """Return the score of one candidate."""
    turned = candidate >> _HALF
    bits = np.array([np.uint32(turned ^ (_SIGN if turned & _SIGN else _ALL))])
    return bits.view(np.float32)[0]


@compiled(nogil=True, error_model="numpy")
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


@compiled(nogil=True, error_model="numpy")
def _bound(row, k):
    """Return a score that the k-th best of a row is above, or -inf: k groups have one above it.

    Else hundreds would be taken and dropped again before candidates are first cut.
    """
    groups = 2 * k
    width = row.size // groups
    if width < _LEAST_WIDTH:
        return np.float32(-np.inf)
    largest = row[:groups].copy()
    for n in range(1, width):
        part = row[n * groups : (n + 1) * groups]
        for g in range(groups):  # groups lie across, so that this is one instruction for many
            largest[g] = part[g] if part[g] > largest[g] else largest[g]
    return _above_most(largest, k)


@compiled(nogil=True, error_model="numpy")
def _above_most(values, k):
    """Return a number that at least k of some values are above, close to the largest such one.

    Halving between the least and the largest: no value is moved, as to select one exactly.
    """
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return np.float32(-np.inf)
    low = np.nextafter(low, np.float32(-np.inf))
    for _ in range(_HALVINGS):
        middle, count = np.float32(0.5) * low + np.float32(0.5) * high, 0
        for value in values:
            count += value > middle
        if count >= k:
            low = middle
        else:
            high = middle
    return low


@compiled(nogil=True, error_model="numpy")
def _select(row, first, best, count, least, k):
    """Add a row's scores above the least; return the count and least of the candidates after."""
    if first == 0:
        least = _bound(row, k)
    bits, whole = row.view(np.uint32), row.size - row.size % COUNT
    for start in range(0, whole, COUNT):
        found = above(row, start, least)
        if found and count + COUNT > best.size:
            least, count = _cut(best, count, k), k
            found = above(row, start, least)
        while found:
            i = start + np.int64(lowest(found))
            best[count] = _candidate(bits[i], first + i)
            count += 1
            found &= found - np.uint64(1)
    if count + COUNT > best.size:
        least, count = _cut(best, count, k), k
    for i in range(whole, row.size):
        if row[i] > least:
            best[count] = _candidate(bits[i], first + i)
            count += 1
    return count, least


@compiled(nogil=True, error_model="numpy")
def _cut(best, count, k):
    """Keep the k best candidates; return the score of the last of them."""
    last, kept = _kth(best[:count].copy(), k), 0
    for i in range(count):
        best[kept] = best[i]
        kept += best[kept] >= last
    return _score(last)


@compiled(nogil=True, error_model="numpy")
def _hide(row, masked, first):
    """Set the scores of masked items to -inf, of a row that begins with item `first`."""
    for item in masked:
        if 0 <= item - first < row.size:
            row[item - first] = np.float32(-np.inf)


@compiled(nogil=True, error_model="numpy")
def select_block(queries, panels, size, offsets, masked, k, tile, best):
    """Write the k best items of each of a block of queries, and some that are not, in any order.

    Args:
        queries: float32, `(n, d)`.
        panels: Items as `top_k.Panels` has them, `(p, d, PANEL)`.
        size: Items there are; those behind them in the last panel are none.
        offsets: Where each query's masked items are, `(n + 1,)`.
        masked: Indices of items that a query must not get; those that are none are ignored.
        k: Wanted per query.
        tile: Panels whose scores are held at a time, in the caches.
        best: Candidates, `(n, capacity(k))`.

    Returns:
        Columns of `best` that were written; `NOTHING` where a query has fewer candidates.
    """
    n = queries.shape[0]
    scores = np.empty((n, tile * PANEL), np.float32)
    counts, least = np.zeros(n, np.int64), np.full(n, -np.inf, np.float32)
    for first in range(0, panels.shape[0], tile):
        last = min(panels.shape[0], first + tile)
        for p in range(first, last):
            place = (p - first) * PANEL
            multiply(queries, panels[p], scores[:, place : place + PANEL])
        width = min(size, last * PANEL) - first * PANEL
        for q in range(n):
            row = scores[q, :width]
            _hide(row, masked[offsets[q] : offsets[q + 1]], first * PANEL)
            counts[q], least[q] = _select(row, first * PANEL, best[q], counts[q], least[q], k)
    for q in range(n):
        best[q, counts[q] : counts.max()] = NOTHING
    return counts.max()
