# mypy: disable-error-code="no-untyped-def, assignment"
"""The k best of scores that come a tile at a time (numba): most of them are only looked at once.

A candidate is one number that sorts as it ranks: the score's bits, so turned that larger ones are
better, above the complement of its index, so that the first of equal scores is the larger.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_STRIDE, _GROUP = 64, 16
_LEAST_WIDTH = 4
_SIGN, _ALL, _HALF = np.uint64(1 << 31), np.uint64((1 << 32) - 1), np.uint64(32)
NOTHING = np.uint64(0)
"""No candidate: below the one of any score but NaN."""


def capacity(k: int) -> int:
    """Return how many candidates a query may hold before they are cut down to k."""
    return 3 * k + _GROUP


@njit(cache=True, nogil=True, error_model="numpy")
def _candidate(bits, index):
    """Return the candidate of a score, given by its bits, and an index; -0 is as good as 0."""
    wide = np.uint64(bits)
    if wide == _SIGN:
        wide = NOTHING
    turned = wide ^ (_ALL if wide & _SIGN else _SIGN)
    return turned << _HALF | (_ALL - np.uint64(index))


def decoded(
    candidates: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return indices and scores of candidates, -1 and -inf of `NOTHING`, each of their shape."""
    turned = (candidates >> _HALF).astype(np.uint32)
    bits = np.where(turned >> np.uint32(31), turned ^ np.uint32(_SIGN), ~turned)
    is_none = candidates == NOTHING
    indices = (_ALL - (candidates & _ALL)).astype(np.int64)
    return np.where(is_none, -1, indices), np.where(is_none, -np.inf, bits.view(np.float32))


@njit(cache=True, nogil=True, error_model="numpy")
def _score(candidate):
    """Return the score of one candidate."""
    turned = candidate >> _HALF
    bits = np.array([np.uint32(turned ^ (_SIGN if turned & _SIGN else _ALL))])
    return bits.view(np.float32)[0]


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
    for n in range(1, width):
        part = row[n * groups : (n + 1) * groups]
        for g in range(groups):  # groups lie across, so that this is one instruction for many
            largest[g] = part[g] if part[g] > largest[g] else largest[g]
    for g in range(groups):
        if np.isnan(largest[g]):
            return np.float32(-np.inf)
    return np.nextafter(_kth(largest, k), np.float32(-np.inf))


@njit(cache=True, nogil=True, error_model="numpy")
def _any_above(part, least):
    """Tell whether any of some scores is above the least; all are looked at, many at once."""
    above = 0
    for i in range(part.size):
        above += part[i] > least
    return above > 0


@njit(cache=True, nogil=True, error_model="numpy")
def _select(row, first, best, count, least, k):
    """Add a row's scores above the least; return the count and least of the candidates after."""
    if first == 0:
        least = _bound(row, k)
    bits = row.view(np.uint32)
    for stride in range(0, row.size, _STRIDE):
        stop = min(row.size, stride + _STRIDE)
        if not _any_above(row[stride:stop], least):
            continue
        for begin in range(stride, stop, _GROUP):
            end = min(stop, begin + _GROUP)
            if not _any_above(row[begin:end], least):
                continue
            if count + end - begin > best.size:
                least, count = _cut(best, count, k), k
            for i in range(begin, end):  # written in any case: a branch would be guessed wrong
                best[count] = _candidate(bits[i], first + i)
                count += row[i] > least
    return count, least


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(best, count, k):
    """Keep the k best candidates; return the score of the last of them."""
    last, kept = _kth(best[:count].copy(), k), 0
    for i in range(count):
        best[kept] = best[i]
        kept += best[kept] >= last
    return _score(last)


@njit(cache=True, nogil=True, error_model="numpy")
def select_tile(scores, first, offsets, masked, best, counts, least, k):
    """Take one tile of items into the running candidates of each query.

    Tiles must come in the order of their items: an item is taken only where it is better than the
    k-th when candidates were last cut, so that ties go by index. NaN and -inf are never taken.

    Args:
        scores: Of each query and item of the tile, `(n, m)`; masked ones become -inf.
        first: Index of the tile's first item.
        offsets: Where each query's masked items are, `(n + 1,)`.
        masked: Indices of items that a query must not get; those outside the tile are ignored.
        best: Candidates of each query, `(n, capacity(k))`.
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
        counts[q], least[q] = _select(row, first, best[q], counts[q], least[q], k)


@njit(cache=True, nogil=True, error_model="numpy")
def cut_all(best, counts, k, found):
    """Write the k best candidates of each query, in any order, to `found` `(n, k)`."""
    for q in range(counts.size):
        if counts[q] > k:
            _cut(best[q], counts[q], k)
            counts[q] = k
        found[q, : counts[q]] = best[q, : counts[q]]
