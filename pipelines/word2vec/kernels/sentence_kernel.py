"""Skip-gram and CBOW with negative sampling in compiled code: chunks of tokens share negatives.

Mikolov et al. 2013 give the objective. Chunks of consecutive tokens draw one set of negatives, as
in pWord2Vec (Ji et al. 2016), so that three small matrix products do the work of a dot product per
negative; each token weighs them by (its positive pairs * negative / shared), so that the expected
gradient is that of one draw per pair.
"""

import numpy as np

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.prefetch import prefetch_to_write
from pipelines.kernels.rows import copy
from pipelines.word2vec.kernels.arguments import (
    Chunk,
    ChunkArrays,
    Floats,
    Ids,
    LaidOut,
    LearningRates,
    Model,
    Options,
    OwnRows,
    Sampling,
    Sentences,
    Touches,
    WindowMeans,
)
from pipelines.word2vec.kernels.cbow import attract, count_windows, mean_windows, spread_gradients
from pipelines.word2vec.kernels.hot_rows import exchange, take, turn_to_own
from pipelines.word2vec.kernels.steps import add_gradients, push_apart, push_arrays, train_window
from pipelines.word2vec.kernels.stream import draw_windows, fill, first_state, next_state

BLOCK = 1 << 14  # kept tokens laid out at a time; a sentence that does not fit goes on in the next


@inner
def _skip_gram(
    laid: LaidOut,
    chunk: Chunk,
    rate: np.float32,
    model: Model,
    arrays: ChunkArrays,
    touches: Floats,
) -> None:
    """Train each token on its window; leave its row in X for the negatives."""
    kept, pairs, contexts = laid.kept, arrays.pairs, arrays.contexts
    for i in range(chunk.size):
        at = chunk.first + i
        count, later = 0, kept[min(at + chunk.size, chunk.filled - 1)]
        prefetch_to_write(model.inputs, later)
        prefetch_to_write(model.outputs, later)
        for j in range(arrays.first[i], arrays.last[i]):
            if j != at:
                contexts[count] = kept[j]
                count += 1
        train_window(model, kept[at], contexts, count, rate, touches, arrays.steps)
        pairs[i] = count
    push, inputs = arrays.push, model.inputs
    for i in range(chunk.size):
        push.X_squares[i] = copy(push.X, i, inputs, kept[chunk.first + i], inputs.shape[1])


@compiled(nogil=True, error_model="numpy")
def _chunk_arrays(options: Options, dimension: int) -> ChunkArrays:
    """Return scratch that all chunks use."""
    chunk, most = options.chunk, 2 * options.window
    push = push_arrays(chunk, options.shared, dimension)
    pairs = np.zeros(chunk, np.float32)
    means = WindowMeans(
        pairs,
        np.zeros(chunk, np.float32),
        np.zeros((1, dimension), np.float32),
        push.X,
        push.X_steps,
        push.X_squares,
        np.zeros(chunk, np.float32),
    )
    return ChunkArrays(
        pairs,
        np.empty(chunk, np.int64),
        np.empty(chunk, np.int64),
        np.empty(most, np.int32),
        np.zeros(most, np.float32),
        np.empty(options.shared, np.int32),
        means,
        push,
    )


@inner
def _draw(
    noise: Ids, own_rows: OwnRows, outputs: Floats, drawn: Ids, state: np.uint64
) -> np.uint64:
    """Draw a chunk's negatives, the thread's own copies of frequent rows; prefetch their rows."""
    for r in range(drawn.size):
        state = next_state(state)
        row = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
        drawn[r] = row + own_rows.first if row < own_rows.copies else row
        prefetch_to_write(outputs, drawn[r])
    return state


@inner
def _train_chunk(
    laid: LaidOut,
    chunk: Chunk,
    rate: np.float32,
    model: Model,
    options: Options,
    touches: Touches,
    arrays: ChunkArrays,
    state: np.uint64,
) -> tuple[np.float32, np.uint64]:
    """Train a chunk whose negatives are drawn; return its pairs and the generator's state."""
    windows, drawn, push = arrays.means, arrays.drawn, arrays.push
    pairs, reach = arrays.pairs[: chunk.size], np.int64(options.window)
    if options.is_cbow:
        state = next_state(state)
        reach = 1 + np.int64((state >> np.uint64(33)) % np.uint64(reach))
        mean_windows(laid, chunk, reach, model, windows)
    else:
        end = chunk.first + chunk.size
        state = draw_windows(laid, chunk.first, end, reach, arrays.first, arrays.last, state)
        _skip_gram(laid, chunk, rate, model, arrays, touches.outputs)
    total = pairs.sum()
    if total == 0:
        return total, state
    weight = np.float32(options.negative) / np.float32(drawn.size)
    if touches.outputs.size:
        for r in range(drawn.size):
            touches.outputs[drawn[r]] += total * weight
    push_apart(pairs, drawn, weight, rate, model.outputs, push)
    if options.is_cbow:
        attract(laid, chunk, rate, model.outputs, windows, touches.outputs)
        spread_gradients(laid, chunk, reach, windows, model.inputs)
        count_windows(laid, chunk, reach, windows, touches.inputs)
    else:
        add_gradients(laid.kept, chunk.first, pairs, push.X_steps, model.inputs, touches.inputs)
    return total, state


@compiled(nogil=True, fastmath=True, error_model="numpy")
def train_sentences(
    sentences: Sentences,
    sampling: Sampling,
    model: Model,
    rates: LearningRates,
    options: Options,
    seed: int,
    touches: Touches,
    own_rows: OwnRows,
) -> float:
    """Train one pass over sentences, in place.

    Args:
        sentences: The sentences.
        sampling: Keep probabilities, and noise of the whole vocabulary.
        model: Vectors; behind them the threads' copies of rows, if any.
        rates: Learning rates at the first and at the last token, linear in between.
        options: How it is trained.
        seed: Seed of all draws.
        touches: Positive pairs are added per input row and, with the negatives by their weight, per
            output row; nothing is counted where it is empty.
        own_rows: The thread's copies of frequent rows.

    Returns:
        Positive pairs trained.
    """
    state = first_state(seed)
    kept = np.empty(BLOCK, np.int32)
    laid = LaidOut(kept, np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32))
    inputs, outputs, offsets = model.inputs, model.outputs, sentences.offsets
    arrays = _chunk_arrays(options, inputs.shape[1])
    share = np.float32(1) / np.float32(own_rows.threads)
    taken = np.empty((2, own_rows.copies, inputs.shape[1]), np.float32)
    take(inputs, outputs, taken, own_rows.first)
    trained, sentence, position = 0.0, 0, np.int64(offsets[0])
    origin, size = position, max(1, offsets[-1] - offsets[0])
    while sentence < offsets.size - 1:
        before = position
        filled, sentence, position, state = fill(
            sentences, sentence, position, sampling.keep, laid, state
        )
        turn_to_own(kept, filled, own_rows.copies, own_rows.first)
        for c0 in range(0, filled, options.chunk):
            if (c0 // options.chunk) % own_rows.every == 0:
                exchange(inputs, outputs, taken, own_rows.first, share)
            chunk = Chunk(c0, min(filled, c0 + options.chunk) - c0, filled)
            done = (before - origin + (position - before) * (c0 / filled)) / size
            rate = np.float32(rates.first + (rates.last - rates.first) * done)
            state = _draw(sampling.noise, own_rows, outputs, arrays.drawn, state)
            pairs, state = _train_chunk(laid, chunk, rate, model, options, touches, arrays, state)
            trained += pairs
    exchange(inputs, outputs, taken, own_rows.first, share)
    return trained
