"""The k best of scores that are computed a tile at a time (numba).

A candidate is a uint64 whose order is the ranking: 32 bits of the score s above 32 bits of its
index i, candidate = order(s) << 32 | (2**32 - 1 - i), so that of equal scores the lower index is
larger. With b the bits of s, order(s) = b ^ 2**31 for s >= 0 and 2**32 - 1 - b for s < 0.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled
from pipelines.kernels.products import PANEL, multiply
from pipelines.kernels.scanning import COUNT, above, lowest

Candidates = NDArray[np.uint64]
_LEAST_WIDTH = 4  # fewest scores per group for which `_bound` uses groups
_HALVINGS = 10  # bisection steps of `_above_most`
_SIGN = np.uint64(1 << 31)  # sign bit of a float32
_ALL = np.uint64((1 << 32) - 1)  # 32 set bits
_HALF = np.uint64(32)  # bits per half of a candidate
NOTHING = np.uint64(0)
"""Marks an absent candidate: less than the candidate of any score that is not NaN."""


@compiled()
def capacity(k: int) -> int:
    """Return the most candidates that a query holds before they are cut to the k best."""
    return 3 * k + COUNT


@compiled(nogil=True, error_model="numpy")
def _candidate(bits: Any, index: Any) -> Any:
    """Return the candidate of a score, given by its bits, and an index; -0 counts as 0."""
    wide = np.uint64(bits)
    if wide == _SIGN:
        wide = NOTHING
    turned = wide ^ (_ALL if wide & _SIGN else _SIGN)
    return turned << _HALF | (_ALL - np.uint64(index))


@compiled(nogil=True, error_model="numpy")
def decode(candidates: Candidates, indices: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
    """Write indices and scores of candidates sorted ascending; -1 and -inf where they run out."""
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
def _score(candidate: Any) -> Any:
    """Return the score of one candidate."""
    turned = candidate >> _HALF
    bits = np.array([np.uint32(turned ^ (_SIGN if turned & _SIGN else _ALL))])
    return bits.view(np.float32)[0]


@compiled(nogil=True, error_model="numpy")
def _kth(values: Candidates, k: int) -> Any:
    """Return the k-th largest value by Hoare's quickselect, which reorders the values."""
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
def _bound(row: NDArray[np.float32], k: int) -> Any:
    """Return a score below the k-th best of a row, or -inf.

    The row is cut into 2 k groups; the largest score of k of these groups is above the bound, so
    k scores are. Without a bound all scores of the first tile would be candidates.
    """
    groups = 2 * k
    width = row.size // groups
    if width < _LEAST_WIDTH:
        return np.float32(-np.inf)
    largest = row[:groups].copy()
    for n in range(1, width):
        part = row[n * groups : (n + 1) * groups]
        for g in range(groups):  # group g is row[g::groups]: this loop is vectorised
            largest[g] = part[g] if part[g] > largest[g] else largest[g]
    return _above_most(largest, k)


@compiled(nogil=True, error_model="numpy")
def _above_most(values: NDArray[np.float32], k: int) -> Any:
    """Return a number that at least k values are above, near the largest such number.

    Bisection between the least and the largest value: faster than an exact selection.
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
def _select(
    row: NDArray[np.float32], first: int, best: Candidates, count: int, least: Any, k: int
) -> tuple[int, Any]:
    """Add a row's scores above `least` to `best`; return the new count and the new least."""
    if first == 0:
        least = _bound(row, k)
    bits, whole = row.view(np.uint32), row.size - row.size % COUNT
    for start in range(0, whole, COUNT):
        better = above(row, start, least)
        if better and count + COUNT > best.size:
            least, count = _cut(best, count, k), k
            better = above(row, start, least)
        while better:
            i = start + np.int64(lowest(better))
            best[count] = _candidate(bits[i], first + i)
            count += 1
            better &= better - np.uint64(1)  # clears the lowest set bit
    if count + COUNT > best.size:
        least, count = _cut(best, count, k), k
    for n in range(whole, row.size):
        if row[n] > least:
            best[count] = _candidate(bits[n], first + n)
            count += 1
    return count, least


@compiled(nogil=True, error_model="numpy")
def _cut(best: Candidates, count: int, k: int) -> Any:
    """Keep the k best candidates; return the score of the worst of them."""
    last, kept = _kth(best[:count].copy(), k), 0
    for i in range(count):
        best[kept] = best[i]
        kept += best[kept] >= last
    return _score(last)


@compiled(nogil=True, error_model="numpy")
def _hide(row: NDArray[np.float32], masked: NDArray[np.int64], first: int) -> None:
    """Set the scores of masked items to -inf; element 0 of the row is item `first`."""
    for item in masked:
        if 0 <= item - first < row.size:
            row[item - first] = np.float32(-np.inf)


@compiled(nogil=True, error_model="numpy")
def select_block(
    queries: NDArray[np.float32],
    panels: NDArray[np.float32],
    size: int,
    offsets: NDArray[np.int64],
    masked: NDArray[np.int64],
    k: int,
    tile: int,
    best: Candidates,
) -> int:
    """Write candidates of each query of a block, the k best items among them, in any order.

    Args:
        queries: float32, `(n, d)`.
        panels: Items as in `top_k.Panels`, `(p, d, PANEL)`.
        size: Number of items; the last panel may have zeros behind them.
        offsets: Where each query's masked items begin, `(n + 1,)`.
        masked: Indices of items that a query must not get, end to end; -1 is ignored.
        k: Items per query.
        tile: Panels per tile, whose scores are held at a time.
        best: Candidates, uint64, `(n, capacity(k))`.

    Returns:
        Number of columns of `best` that were written; `NOTHING` where a query has fewer candidates.
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
    return int(counts.max())
