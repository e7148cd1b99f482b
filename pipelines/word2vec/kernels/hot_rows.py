"""Copies of the most frequent tokens' rows, one for each thread that trains the same model.

Threads that write the same row wait for each other's caches: of two threads' time that was a
quarter. So a model that threads share has, behind its V rows, a copy of its first rows for each
thread. A thread trains its copies, and every few chunks moves each shared row by 1 / threads of
what it did since the last exchange, and copies the result. Rows so frequent come close to their
optimum between two exchanges: the sum of all threads' moves, in place of the mean, would overshoot,
and diverge from four threads on. Updates of a shared row by two threads at the same instant may be
lost, as in Hogwild (Niu et al. 2011).
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled
from pipelines.word2vec.kernels.arguments import Floats, Ids, OwnRows
from pipelines.word2vec.kernels.stream import add_row, copy_row

ALONE = OwnRows(0, 0, 1, 1)
"""What `own_rows` returns for the only thread."""

_ROWS = 1024  # rows of copies, of all threads together
_CHUNKS = 256  # chunks between two exchanges, of all threads together


def copied_rows(size: int, threads: int) -> int:
    """Return how many of `size` rows each thread has a copy of; none where there is one thread."""
    return min(_ROWS // threads, size) if threads > 1 else 0


def own_rows(size: int, threads: int, thread: int) -> OwnRows:
    """Return the copies of one thread, of a model with `size` rows of its own."""
    rows = copied_rows(size, threads)
    return OwnRows(rows, size + thread * rows, max(1, _CHUNKS // threads), threads)


def fold(touches: NDArray[np.float32], size: int, threads: int) -> None:
    """Add the touches of copies to the rows that they are copies of."""
    rows = copied_rows(size, threads)
    if rows and touches.size:
        touches[:rows] += touches[size:].reshape(threads, rows).sum(axis=0)
        touches[size:] = 0


@compiled(nogil=True, error_model="numpy")
def turn_to_own(kept: Ids, filled: int, count: int, first: int) -> None:
    """Replace token ids below `count` by the rows of a thread's copies, which begin at `first`."""
    for i in range(filled):
        if kept[i] < count:
            kept[i] += first


@compiled(nogil=True, error_model="numpy")
def take(inputs: Floats, outputs: Floats, taken: Floats, first: int) -> None:
    """Copy the shared rows of both sides to the thread's copies and to `taken`, (2, count, d)."""
    _take(inputs, taken[0], first)
    _take(outputs, taken[1], first)


@compiled(nogil=True, error_model="numpy")
def exchange(inputs: Floats, outputs: Floats, taken: Floats, first: int, share: np.float32) -> None:
    """Move shared rows by a share of what copies did since they were taken, and take again."""
    _move(inputs, taken[0], first, share)
    _move(outputs, taken[1], first, share)
    take(inputs, outputs, taken, first)


@compiled(nogil=True, fastmath=True, error_model="numpy")
def _take(rows: Floats, taken: Floats, first: int) -> None:
    for r in range(taken.shape[0]):
        copy_row(taken, r, rows, r)
        copy_row(rows, first + r, taken, r)


@compiled(nogil=True, fastmath=True, error_model="numpy")
def _move(rows: Floats, taken: Floats, first: int, share: np.float32) -> None:
    for r in range(taken.shape[0]):
        for k in range(taken.shape[1]):
            taken[r, k] = share * (rows[first + r, k] - taken[r, k])
        add_row(rows, r, taken, r)
