"""The kernel's parts for CBOW: all windows of a chunk have one reach, so that their sums slide.

The reach is drawn per chunk, not per token: each pair is as likely as before, and a window's sum is
that of the token before it, plus one row, minus one. Likewise for what a row takes of the windows
that it is in. The gradient of a mean is divided by its tokens, which word2vec.c and gensim leave
out (İrsoy et al. 2021).
"""

from typing import Any

import numpy as np

from pipelines.kernels.compiling import inner
from pipelines.kernels.prefetch import prefetch_to_write
from pipelines.kernels.rows import add, meet, slide_mean, slide_step
from pipelines.word2vec.kernels.arguments import Chunk, Floats, LaidOut, Model, WindowMeans
from pipelines.word2vec.kernels.stream import sigmoid

_wide: Any = np.int64  # as Any: mypy refuses to compare int64 with int


@inner
def mean_windows(
    laid: LaidOut, chunk: Chunk, reach: int, model: Model, windows: WindowMeans
) -> None:
    """Set each token's mean of its window without it, where its sentence has other tokens.

    Sets `pairs`, `shares`, `means`, `squares` and `scores` of `windows`.
    """
    kept, begin, end = laid.kept, laid.begin, laid.end
    inputs, outputs = model.inputs, model.outputs
    pairs, shares, total = windows.pairs, windows.shares, windows.total
    width = inputs.shape[1]
    for i in range(chunk.size):
        at = chunk.first + i
        first, last = max(_wide(begin[at]), at - reach), min(_wide(end[at]), at + reach + 1)
        pairs[i] = min(last - first - 1, 1)
        shares[i] = pairs[i] / np.float32(max(last - first - 1, 1))
        prefetch_to_write(inputs, kept[min(at + chunk.size, chunk.filled - 1)])
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
        windows.squares[i], windows.scores[i] = slide_mean(
            total,
            0,
            windows.means,
            i,
            inputs,
            more,
            less,
            kept[at],
            outputs,
            kept[at],
            plus,
            minus,
            shares[i],
            width,
        )


@inner
def attract(
    laid: LaidOut,
    chunk: Chunk,
    rate: np.float32,
    outputs: Floats,
    windows: WindowMeans,
    touches: Floats,
) -> None:
    """Step each token's output row and its window's mean towards each other.

    The mean's step is added to `gradients`, which is then divided by the window's tokens.
    """
    kept, pairs, scores = laid.kept, windows.pairs, windows.scores
    for i in range(chunk.size):
        scores[i] = pairs[i] * rate * (np.float32(1) - sigmoid(scores[i]))
    for i in range(chunk.size):
        token = kept[chunk.first + i]
        later = min(chunk.first + i + chunk.size, chunk.filled - 1)
        prefetch_to_write(outputs, kept[later])
        meet(
            outputs,
            token,
            windows.means,
            windows.gradients,
            i,
            scores[i],
            windows.shares[i],
            outputs.shape[1],
        )
        if touches.size:
            touches[token] += pairs[i]


@inner
def spread_gradients(
    laid: LaidOut, chunk: Chunk, reach: int, windows: WindowMeans, inputs: Floats
) -> None:
    """Add to each input row the `gradients` of the chunk's windows that it is in, but its own."""
    kept, begin, end = laid.kept, laid.begin, laid.end
    dX, total = windows.gradients, windows.total
    c0, c1, width = chunk.first, chunk.first + chunk.size, inputs.shape[1]
    first, last = max(_wide(begin[c0]), c0 - reach), min(_wide(end[c1 - 1]), c1 + reach)
    for j in range(first, last):
        low, high = max(c0, _wide(begin[j])), min(c1, _wide(end[j]))
        has_more = has_less = False
        if j == first or begin[j] == j:
            total[:] = np.float32(0)
            for i in range(max(low, j - reach), min(high, j + reach + 1)):
                add(total, 0, dX, i - c0, width)
        else:
            has_more, has_less = low <= j + reach < high, j - reach - 1 >= low
        more = j + reach - c0 if has_more else 0
        less = j - reach - 1 - c0 if has_less else 0
        own, is_own = min(max(j - c0, 0), chunk.size - 1), c0 <= j < c1
        plus, minus, share = np.float32(has_more), -np.float32(has_less), -np.float32(is_own)
        slide_step(total, 0, inputs, kept[j], dX, more, less, own, plus, minus, share, width)


@inner
def count_windows(
    laid: LaidOut, chunk: Chunk, reach: int, windows: WindowMeans, touches: Floats
) -> None:
    """Add to each input row's touches its shares of windows; nothing where none are counted."""
    if touches.size == 0:
        return
    begin, end = laid.begin, laid.end
    for i in range(chunk.size):
        at = chunk.first + i
        for j in range(max(begin[at], at - reach), min(end[at], at + reach + 1)):
            if j != at:
                touches[laid.kept[j]] += windows.shares[i]
