# mypy: disable-error-code="no-untyped-def"
"""Copies of the most frequent tokens' rows, one for each thread that trains the same model.

Threads that write the same row wait for each other's caches: with two of them a quarter of all time
went there. A model that threads share has a copy of its first rows for each thread behind its own
rows; a thread trains its copy, and every few chunks moves the shared row by its share, one of as
many as there are threads, of what it did, and takes over what the others did. Between two exchanges
these rows come close to where they are drawn to: the sum of what all threads did, in place of the
mean, would carry them beyond, and from four threads on ever further. What two threads do to one
row in the same instant may be lost, as in hogwild (Niu et al. 2011).
"""

import numpy as np

from pipelines.kernels.compiling import compiled
from pipelines.word2vec.kernels.stream import add_row, copy_row

ALONE = (0, 0, 1, 1)
"""What `own_rows` gives to the only thread."""

_ROWS = 1024  # copied for all threads together
_CHUNKS = 256  # between two exchanges, by all threads together


def copied_rows(size: int, threads: int) -> int:
    """Return how many rows each thread has a copy of; none where there is one thread."""
    return min(_ROWS // threads, size) if threads > 1 else 0


def own_rows(size: int, threads: int, thread: int) -> tuple[int, int, int, int]:
    """Return what the kernel asks of a thread.

    That is the rows it has copies of, where its copies begin, after how many chunks it exchanges
    them, and how many threads there are.
    """
    rows = copied_rows(size, threads)
    return rows, size + thread * rows, max(1, _CHUNKS // threads), threads


def fold(touches: np.ndarray, size: int, threads: int) -> None:
    """Add what was counted of copies to the rows that they are copies of."""
    rows = copied_rows(size, threads)
    if rows and touches.size:
        touches[:rows] += touches[size:].reshape(threads, rows).sum(axis=0)
        touches[size:] = 0


@compiled(nogil=True, error_model="numpy")
def turn_to_own(kept, filled, hot, own):
    """Replace the ids of copied rows by those of a thread's copies."""
    for i in range(filled):
        if kept[i] < hot:
            kept[i] += own


@compiled(nogil=True, error_model="numpy")
def take(inputs, outputs, taken, own):
    """Take over the shared rows of both sides, and keep what was taken."""
    _take(inputs, taken[0], own)
    _take(outputs, taken[1], own)


@compiled(nogil=True, error_model="numpy")
def exchange(inputs, outputs, taken, own, share):
    """Move shared rows by a share of what copies did since they were taken, and take again."""
    _move(inputs, taken[0], own, share)
    _move(outputs, taken[1], own, share)
    take(inputs, outputs, taken, own)


@compiled(nogil=True, fastmath=True, error_model="numpy")
def _take(rows, taken, own):
    for r in range(taken.shape[0]):
        copy_row(taken, r, rows, r)
        copy_row(rows, own + r, taken, r)


@compiled(nogil=True, fastmath=True, error_model="numpy")
def _move(rows, taken, own, share):
    for r in range(taken.shape[0]):
        for k in range(taken.shape[1]):
            taken[r, k] = share * (rows[own + r, k] - taken[r, k])
        add_row(rows, r, taken, r)
