# mypy: disable-error-code="no-untyped-def, assignment"
"""The kernel's parts for CBOW: windows of a chunk overlap, so they are differences of running sums.

Windows share most of their rows: one sum over the chunk's rows serves all of its windows, and their
gradients go back the same way. That is two rows of arithmetic a token in place of a window of them.
The gradient of a mean is divided by its tokens, which word2vec.c and gensim forget (İrsoy et al.
2021). Numba's cache does not see edits here: touch `kernel.py` after one.
"""

import numpy as np
from numba import njit

from pipelines.word2vec.stream import add_row, sigmoid, subtract_row


@njit(cache=True, nogil=True, error_model="numpy")
def _span(first, last, size):
    """Return where the chunk's first window begins and its last one ends."""
    begin, end = first[0], last[0]
    for i in range(1, size):
        begin = min(begin, first[i])
        end = max(end, last[i])
    return begin, end


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def mean_windows(kept, c0, first, last, inputs, pairs, sums, X):
    """Set row i of X to the mean of token i's window without it; `pairs` tells if it has one."""
    begin, end = _span(first, last, pairs.size)
    dimension = inputs.shape[1]
    for k in range(dimension):
        sums[0, k] = np.float32(0)
    for r in range(end - begin):
        row = inputs[kept[begin + r]]
        for k in range(dimension):
            sums[r + 1, k] = sums[r, k] + row[k]
    for i in range(pairs.size):
        count = last[i] - first[i] - 1
        pairs[i] = min(count, 1)
        share = np.float32(1) / np.float32(max(count, 1))
        a, b, own = first[i] - begin, last[i] - begin, c0 + i - begin
        for k in range(dimension):
            X[i, k] = (sums[b, k] - sums[a, k] - (sums[own + 1, k] - sums[own, k])) * share


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def attract(kept, c0, rate, outputs, pairs, touches, X, dX):
    """Draw each token's output row and its window's mean together; leave the mean's step in dX."""
    for i in range(pairs.size):
        if pairs[i] == 0:
            continue
        v = outputs[kept[c0 + i]]
        score = np.float32(0)
        for k in range(v.size):
            score += X[i, k] * v[k]
        step = rate * (np.float32(1) - sigmoid(score))
        for k in range(v.size):
            y = v[k]
            v[k] = y + step * X[i, k]
            dX[i, k] = step * y
        if touches.size:
            touches[kept[c0 + i]] += np.float32(1)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def spread_gradients(kept, c0, first, last, pairs, positive, negative, sums, inputs):
    """Give each context row its share of its windows' gradients: those of means."""
    begin, end = _span(first, last, pairs.size)
    dimension = inputs.shape[1]
    for r in range(end - begin + 1):
        for k in range(dimension):
            sums[r, k] = np.float32(0)
    for i in range(pairs.size):
        if pairs[i] == 0:
            continue
        share = np.float32(1) / np.float32(last[i] - first[i] - 1)
        a, b, own = first[i] - begin, last[i] - begin, c0 + i - begin
        for k in range(dimension):
            positive[i, k] = (positive[i, k] + negative[i, k]) * share
        # One loop per row: of loops over several rows the compiler cannot tell that they differ.
        add_row(sums, a, positive, i)
        subtract_row(sums, b, positive, i)
        subtract_row(sums, own, positive, i)
        add_row(sums, own + 1, positive, i)
    for r in range(end - begin):
        if r > 0:
            add_row(sums, r, sums, r - 1)
        add_row(inputs, kept[begin + r], sums, r)


@njit(cache=True, nogil=True, error_model="numpy")
def count_windows(kept, c0, first, last, pairs, touches):
    """Add to each context row's touches its shares of windows; nothing where none are counted."""
    if touches.size == 0:
        return
    for i in range(pairs.size):
        if pairs[i] == 0:
            continue
        share = np.float32(1) / np.float32(last[i] - first[i] - 1)
        for j in range(first[i], last[i]):
            if j != c0 + i:
                touches[kept[j]] += share
