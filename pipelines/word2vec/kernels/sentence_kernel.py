# mypy: disable-error-code="no-untyped-def, assignment"
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
from pipelines.word2vec.kernels.cbow import attract, count_windows, mean_windows, spread_gradients
from pipelines.word2vec.kernels.hot_rows import exchange, take, turn_to_own
from pipelines.word2vec.kernels.steps import add_gradients, push_apart, pushed, train_window
from pipelines.word2vec.kernels.stream import draw_windows, fill, next_state

BLOCK = 1 << 14  # kept tokens laid out at a time; a sentence that does not fit goes on in the next


@inner
def _skip_gram(
    kept, c0, ahead, first, last, rate, inputs, outputs, pairs, touches, X, squares, steps,
    contexts,
):  # fmt: skip
    """Train each token on its window; leave its row in X for the negatives."""
    for i in range(pairs.size):
        count, later = 0, kept[min(c0 + i + pairs.size, ahead - 1)]
        prefetch_to_write(inputs, later)
        prefetch_to_write(outputs, later)
        for j in range(first[i], last[i]):
            if j != c0 + i:
                contexts[count] = kept[j]
                count += 1
        train_window(inputs, kept[c0 + i], contexts, count, rate, outputs, touches, steps)
        pairs[i] = count
    for i in range(pairs.size):
        squares[i] = copy(X, i, inputs, kept[c0 + i], inputs.shape[1])


@compiled(nogil=True, error_model="numpy")
def _scratch(chunk, shared, reach, dimension):
    """Allocate once what every chunk uses: pairs, windows, and what tokens and negatives take."""
    pairs, steps = np.zeros(chunk, np.float32), np.zeros(chunk, np.float32)
    windows = np.empty((2, chunk), np.int64)
    window = np.zeros(2 * reach, np.float32), np.empty(2 * reach, np.int32)
    means = np.zeros(chunk, np.float32), np.zeros((1, dimension), np.float32)
    drawn = np.empty(shared, np.int32)
    return pairs, steps, windows, window, means, drawn, pushed(chunk, shared, dimension)


@inner
def _draw(noise, hot, own, outputs, drawn, state):
    """Draw a chunk's negatives, a thread's own copies of the hot ones, and ask for their rows."""
    for r in range(drawn.size):
        state = next_state(state)
        row = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
        drawn[r] = row + own if row < hot else row
        prefetch_to_write(outputs, drawn[r])
    return state


@inner
def _train_chunk(
    kept, begin, end, c0, size, ahead, noise, inputs, outputs, rate, is_cbow, negative, scratch,
    input_touches, output_touches, hot, own, state,
):  # fmt: skip
    """Draw the windows of consecutive kept tokens, train them, and return their pairs."""
    all_pairs, steps, windows, window, (shares, sums), drawn, push = scratch
    X, dX, squares = push[0], push[1], push[-1]
    state = _draw(noise, hot, own, outputs, drawn, state)
    pairs, first, last = all_pairs[:size], windows[0], windows[1]
    reach = window[0].size // 2
    if is_cbow:
        state = next_state(state)
        reach = 1 + np.int64((state >> np.uint64(33)) % np.uint64(reach))
        mean_windows(
            kept, c0, ahead, reach, begin, end, inputs, outputs, pairs, shares, sums, X, squares,
            steps,
        )  # fmt: skip
    else:
        state = draw_windows(begin, end, c0, c0 + size, reach, first, last, state)
        _skip_gram(
            kept, c0, ahead, first, last, rate, inputs, outputs, pairs, output_touches, X, squares,
            *window,
        )  # fmt: skip
    total = pairs.sum()
    if total == 0:
        return total, state
    weight = np.float32(negative) / np.float32(drawn.size)
    if output_touches.size:
        for r in range(drawn.size):
            output_touches[drawn[r]] += total * weight
    push_apart(pairs, drawn, weight, rate, outputs, *push)
    if is_cbow:
        attract(kept, c0, ahead, rate, outputs, pairs, shares, output_touches, X, dX, steps)
        spread_gradients(kept, c0, size, reach, begin, end, dX, sums, inputs)
        count_windows(kept, c0, reach, begin, end, pairs, shares, input_touches)
    else:
        add_gradients(kept, c0, pairs, dX, inputs, input_touches)
    return total, state


@compiled(nogil=True, fastmath=True, error_model="numpy")
def train_sentences(
    tokens, offsets, keep, noise, inputs, outputs, first_rate, last_rate, is_cbow, window,
    negative, chunk, shared, seed, input_touches, output_touches, own_rows,
):  # fmt: skip
    """Train one pass over sentences, in place.

    Args:
        tokens: int32, all sentences end to end.
        offsets: int64, where each sentence begins, and the end: one more than there are sentences.
        keep: float32 per token id, chance that an occurrence is kept (subsampling).
        noise: int32 table of token ids, from which negatives are drawn evenly.
        inputs: float32, V by d, the vectors; behind them the threads' copies, if any.
        outputs: float32, the context vectors, likewise.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token; it falls in a straight line between them.
        is_cbow: The mean of a window predicts its token, in place of the token its window; the
            gradient of the mean is divided by its tokens, which word2vec.c forgets.
        window: Most tokens on each side; each token, or for CBOW each chunk, draws its own reach
            evenly from 1 to this.
        negative: Negatives per positive pair, in expectation.
        chunk: Consecutive tokens that share negatives.
        shared: Negatives drawn for a chunk.
        seed: Seed of all draws.
        input_touches: float32 per token id, to which each input row's positive pairs are added; or
            empty, and nothing is counted.
        output_touches: Likewise for output rows: positive pairs, and negatives by their weight.
        own_rows: Of which rows this thread has copies, and where: see `hot_rows.own_rows`.

    Returns:
        Positive pairs trained.
    """
    state = (np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for _ in range(4):
        state = next_state(state)
    kept = np.empty(BLOCK, np.int32)
    begin, end = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    scratch = _scratch(chunk, shared, window, inputs.shape[1])
    hot, own, every, threads = own_rows
    share = np.float32(1) / np.float32(threads)
    taken = np.empty((2, hot, inputs.shape[1]), np.float32)
    take(inputs, outputs, taken, own)
    trained, sentence, position = 0.0, 0, np.int64(offsets[0])
    origin, size = position, max(1, offsets[-1] - offsets[0])
    while sentence < offsets.size - 1:
        before = position
        filled, sentence, position, state = fill(
            tokens, offsets, sentence, position, keep, kept, begin, end, state
        )
        turn_to_own(kept, filled, hot, own)
        for c0 in range(0, filled, chunk):
            if (c0 // chunk) % every == 0:
                exchange(inputs, outputs, taken, own, share)
            c1 = min(filled, c0 + chunk)
            done = (before - origin + (position - before) * (c0 / filled)) / size
            rate = np.float32(first_rate + (last_rate - first_rate) * done)
            pairs, state = _train_chunk(
                kept, begin, end, c0, c1 - c0, filled, noise, inputs, outputs, rate, is_cbow,
                negative, scratch, input_touches, output_touches, hot, own, state,
            )  # fmt: skip
            trained += pairs
    exchange(inputs, outputs, taken, own, share)
    return trained
