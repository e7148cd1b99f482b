# mypy: disable-error-code="no-untyped-def, assignment"
"""The kernel's parts for CBOW: windows overlap, so a chunk's means are a product by a band matrix.

Row i of the band has a share 1 / c in the columns of the c tokens of token i's window: the band
times the chunk's rows are the means, and its transpose times their gradients the rows' gradients.
The gradient of a mean is divided by its tokens, which word2vec.c and gensim forget (İrsoy et al.
2021). Numba's cache does not see edits here: touch `kernel.py` after one.
"""

import numpy as np
from numba import njit

from pipelines.training.products import multiply_band
from pipelines.word2vec.stream import add_row, copy_row, sigmoid


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def mean_windows(kept, c0, ahead, reach, first, last, inputs, pairs, band, rows, X):
    """Set row i of X to the mean of token i's window without it; `pairs` tells if it has one.

    Column r of the band and row r of `rows` belong to the token at `c0 - reach + r`.
    """
    band[:] = np.float32(0)
    for i in range(pairs.size):
        count = last[i] - first[i] - 1
        pairs[i] = min(count, 1)
        share = np.float32(1) / np.float32(max(count, 1))
        for j in range(first[i], last[i]):
            band[i, j - c0 + reach] = share
        band[i, i + reach] = np.float32(0)
    for j in range(max(0, c0 - reach), min(ahead, c0 + pairs.size + reach)):
        copy_row(rows, j - c0 + reach, inputs, kept[j])
    multiply_band(band, rows, X, 0, 2 * reach)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def attract(kept, c0, rate, outputs, pairs, touches, X, dX, steps):
    """Draw each token's output row and its window's mean together; add the mean's step to dX.

    All are scored before any is trained: else each score would wait for the step before it.
    """
    for i in range(pairs.size):
        v = outputs[kept[c0 + i]]
        score = np.float32(0)
        for k in range(v.size):
            score += X[i, k] * v[k]
        steps[i] = score
    for i in range(pairs.size):
        steps[i] = pairs[i] * rate * (np.float32(1) - sigmoid(steps[i]))
    for i in range(pairs.size):
        v, step = outputs[kept[c0 + i]], steps[i]
        for k in range(v.size):
            y = v[k]
            v[k] = y + step * X[i, k]
            dX[i, k] += step * y
        if touches.size:
            touches[kept[c0 + i]] += pairs[i]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def spread_gradients(kept, c0, ahead, reach, size, band, dX, rows, inputs):
    """Give each context row its share of its windows' gradients, by way of `rows`."""
    multiply_band(band.T, dX, rows, 2 * reach, 0)
    for j in range(max(0, c0 - reach), min(ahead, c0 + size + reach)):
        add_row(inputs, kept[j], rows, j - c0 + reach)


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
