"""Skip-gram on one block of a model: input rows of one class of token ids, output rows of another.

Each token of the input class is trained on the tokens of its window that are of the output class.
It is pushed from negatives of that class as often as the whole model would push it from them: the
pairs of its whole window times the class's share of the noise. Summed over all blocks that is the
gradient of the whole model.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.rows import copy
from pipelines.word2vec.kernels.arguments import (
    Block,
    Floats,
    Ids,
    LaidOut,
    LearningRates,
    Model,
    Options,
    PushArrays,
    Sampling,
    Sentences,
)
from pipelines.word2vec.kernels.steps import add_gradients, push_apart, push_arrays, train_window
from pipelines.word2vec.kernels.stream import draw_windows, fill, first_state, next_state

_LAID_OUT = 1 << 14  # kept tokens laid out at a time


class _Chunk(NamedTuple):
    """Tokens of the input class that share negatives.

    Args:
        rows: Their input rows, (n,).
        pairs: Positive pairs of their whole windows, (n,).
        drawn: Output rows of the negatives, (m,).
        push: Scratch for them.
    """

    rows: Ids
    pairs: Floats
    drawn: Ids
    push: PushArrays


class _Windows(NamedTuple):
    """Windows of laid-out tokens.

    Args:
        first: Where each token's window begins, int64.
        last: Where it ends, int64.
        contexts: Rows of one window, (2 * window,).
        steps: Scores of one window's pairs, then steps, (2 * window,).
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    contexts: Ids
    steps: Floats


@compiled(nogil=True, error_model="numpy")
def _arrays(options: Options, dimension: int) -> tuple[LaidOut, _Windows, _Chunk]:
    """Return scratch that all chunks use."""
    laid = LaidOut(
        np.empty(_LAID_OUT, np.int32),
        np.empty(_LAID_OUT, np.int32),
        np.empty(_LAID_OUT, np.int32),
    )
    windows = _Windows(
        np.empty(_LAID_OUT, np.int64),
        np.empty(_LAID_OUT, np.int64),
        np.empty(2 * options.window, np.int32),
        np.zeros(2 * options.window, np.float32),
    )
    chunk = _Chunk(
        np.empty(options.chunk, np.int32),
        np.zeros(options.chunk, np.float32),
        np.empty(options.shared, np.int32),
        push_arrays(options.chunk, options.shared, dimension),
    )
    return laid, windows, chunk


@inner
def _window(
    kept: Ids, i: int, begin: int, end: int, block: Block, contexts: Ids
) -> tuple[int, int]:
    """Write a window's rows of the output class; return how many, and the window's pairs in all."""
    count = 0
    for j in range(begin, end):
        if j != i and kept[j] % block.classes == block.outputs:
            contexts[count] = kept[j] // block.classes
            count += 1
    return count, end - begin - 1


@inner
def _push(
    chunk: _Chunk,
    filled: int,
    noise: Ids,
    weight: np.float32,
    rate: np.float32,
    model: Model,
    touches: Floats,
    state: np.uint64,
) -> np.uint64:
    """Push the first `filled` input rows of a chunk from negatives drawn for it."""
    drawn, push, inputs = chunk.drawn, chunk.push, model.inputs
    pairs = chunk.pairs[:filled]
    for r in range(drawn.size):
        state = next_state(state)
        drawn[r] = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
    for i in range(filled):
        push.X_squares[i] = copy(push.X, i, inputs, chunk.rows[i], inputs.shape[1])
    push_apart(pairs, drawn, weight, rate, model.outputs, push)
    add_gradients(chunk.rows, 0, pairs, push.X_steps, inputs, touches)
    return state


@compiled(nogil=True, fastmath=True, error_model="numpy")
def train_block(
    sentences: Sentences,
    sampling: Sampling,
    noise_share: float,
    model: Model,
    rates: LearningRates,
    block: Block,
    options: Options,
    seeds: tuple[int, int],
) -> float:
    """Train one pass over sentences on one block, in place.

    Args:
        sentences: The sentences.
        sampling: Keep probabilities of the whole vocabulary, and noise of the output class's rows.
        noise_share: Share of the output class in the noise of the whole vocabulary.
        model: Vectors of the two classes.
        rates: Learning rates at the first and at the last token, linear in between.
        block: The two classes.
        options: How it is trained, by skip-gram; negatives and `chunk` are those of the whole
            model, `shared` are the negatives drawn for this block's part of a chunk.
        seeds: Seed of subsampling and windows, which is the same for all blocks of a pass, and seed
            of the negatives.

    Returns:
        Positive pairs trained.
    """
    state, noise_state = first_state(seeds[0]), first_state(seeds[1])
    laid, (first, last, contexts, steps), chunk = _arrays(options, model.inputs.shape[1])
    kept, rows, pairs, none = laid.kept, chunk.rows, chunk.pairs, np.empty(0, np.float32)
    weight = np.float32(options.negative * noise_share / options.shared)
    offsets, noise = sentences.offsets, sampling.noise
    trained, filled, sentence, position = 0.0, 0, 0, np.int64(offsets[0])
    origin, total, rate = position, max(1, offsets[-1] - offsets[0]), np.float32(rates.first)
    while sentence < offsets.size - 1:
        laid_out, sentence, position, state = fill(
            sentences, sentence, position, sampling.keep, laid, state
        )
        state = draw_windows(laid, 0, laid_out, options.window, first, last, state)
        done = (position - origin) / total
        rate = np.float32(rates.first + (rates.last - rates.first) * done)
        for i in range(laid_out):
            if kept[i] % block.classes != block.inputs:
                continue
            count, window_pairs = _window(kept, i, first[i], last[i], block, contexts)
            rows[filled], pairs[filled] = kept[i] // block.classes, window_pairs
            train_window(model, rows[filled], contexts, count, rate, none, steps)
            trained, filled = trained + count, filled + 1
            if filled == options.chunk:
                noise_state = _push(chunk, filled, noise, weight, rate, model, none, noise_state)
                filled = 0
    if filled:
        _push(chunk, filled, noise, weight, rate, model, none, noise_state)
    return trained
