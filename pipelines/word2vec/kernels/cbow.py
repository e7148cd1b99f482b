# mypy: disable-error-code="no-untyped-def, assignment"
"""The kernel's parts for CBOW: windows of one chunk have one reach, so their sums slide.

The reach is drawn by the chunk, in place of by the token: each pair is as likely as before, and a
window's sum is that of the token before it, one row more and one less; likewise what a row takes of
the windows that it is in. The gradient of a mean is divided by its tokens, which word2vec.c and
gensim forget (İrsoy et al. 2021).
"""

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.prefetch import prefetch_to_write
from pipelines.kernels.rows import add, meet, slide_mean, slide_step
from pipelines.word2vec.kernels.stream import sigmoid


@inner
def mean_windows(
    kept, c0, ahead, reach, begin, end, inputs, outputs, pairs, shares, total, X, squares, scores
):  # fmt: skip
    """Set row i of X to the mean of token i's window without it, where its sentence has others.

    `pairs` tells if it has one, `shares` what each of its tokens is of it, `squares` and `scores`
    its products with itself and with the token's output row.
    """
    width = inputs.shape[1]
    for i in range(pairs.size):
        at = c0 + i
        first, last = max(np.int64(begin[at]), at - reach), min(np.int64(end[at]), at + reach + 1)
        pairs[i] = min(last - first - 1, 1)
        shares[i] = pairs[i] / np.float32(max(last - first - 1, 1))
        prefetch_to_write(inputs, kept[min(at + pairs.size, ahead - 1)])
        has_more = has_less = False
        if i == 0 or begin[at] == at:
            total[:] = np.float32(0)
            for j in range(first, last):
                add(total, 0, inputs, kept[j], width)
        else:
            has_more, has_less = at + reach < end[at], at - reach - 1 >= begin[at]
        more = kept[at + reach] if has_more else kept[at]
        less = kept[at - reach - 1] if has_less else kept[at]
        plus, minus = np.float32(has_more), -np.float32(has_less)
        squares[i], scores[i] = slide_mean(
            total, 0, X, i, inputs, more, less, kept[at], outputs, kept[at], plus, minus, shares[i],
            width,
        )  # fmt: skip


@inner
def attract(kept, c0, ahead, rate, outputs, pairs, shares, touches, X, dX, scores):
    """Draw each token's output row and its window's mean together; leave a row's share in dX."""
    for i in range(pairs.size):
        scores[i] = pairs[i] * rate * (np.float32(1) - sigmoid(scores[i]))
    for i in range(pairs.size):
        prefetch_to_write(outputs, kept[min(c0 + i + pairs.size, ahead - 1)])
        meet(outputs, kept[c0 + i], X, dX, i, scores[i], shares[i], outputs.shape[1])
        if touches.size:
            touches[kept[c0 + i]] += pairs[i]


@inner
def spread_gradients(kept, c0, size, reach, begin, end, dX, total, inputs):
    """Add to each row what it takes of the chunk's windows that it is in, but for its own."""
    c1, width = c0 + size, inputs.shape[1]
    first, last = max(np.int64(begin[c0]), c0 - reach), min(np.int64(end[c1 - 1]), c1 + reach)
    for j in range(first, last):
        low, high = max(c0, np.int64(begin[j])), min(c1, np.int64(end[j]))
        has_more = has_less = False
        if j == first or begin[j] == j:
            total[:] = np.float32(0)
            for i in range(max(low, j - reach), min(high, j + reach + 1)):
                add(total, 0, dX, i - c0, width)
        else:
            has_more, has_less = low <= j + reach < high, j - reach - 1 >= low
        more = j + reach - c0 if has_more else 0
        less = j - reach - 1 - c0 if has_less else 0
        own, is_own = min(max(j - c0, 0), size - 1), c0 <= j < c1
        plus, minus, share = np.float32(has_more), -np.float32(has_less), -np.float32(is_own)
        slide_step(
            total, 0, inputs, kept[j], dX, more, less, own, plus, minus, share, width
        )  # fmt: skip


@inner
def count_windows(kept, c0, reach, begin, end, pairs, shares, touches):
    """Add to each context row's touches its shares of windows; nothing where none are counted."""
    if touches.size == 0:
        return
    for i in range(pairs.size):
        at = c0 + i
        for j in range(max(begin[at], at - reach), min(end[at], at + reach + 1)):
            if j != at:
                touches[kept[j]] += shares[i]
