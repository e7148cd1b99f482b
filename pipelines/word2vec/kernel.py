# mypy: disable-error-code="no-untyped-def, assignment"
"""Skip-gram and CBOW with negative sampling in compiled code: chunks of tokens share negatives.

Mikolov et al. 2013 give the objective. Chunks of consecutive tokens draw one set of negatives, as
in pWord2Vec (Ji et al. 2016), so that three small matrix products do the work of a dot product per
negative; each token weighs them by (its positive pairs * negative / shared), so that the expected
gradient is that of one draw per pair.
"""

import numpy as np
from numba import njit

from pipelines.training.prefetch import prefetch_to_write
from pipelines.word2vec.cbow import attract, count_windows, mean_windows, spread_gradients
from pipelines.word2vec.steps import add_gradients, push_apart, train_window
from pipelines.word2vec.stream import copy_row, draw_windows, fill, next_state

BLOCK = 1 << 14  # kept tokens laid out at a time; a sentence that does not fit goes on in the next


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _skip_gram(
    kept, c0, first, last, rate, inputs, outputs, pairs, touches, X, steps, contexts
):  # fmt: skip
    """Train each token on its window; leave its row in X for the negatives."""
    for i in range(pairs.size):
        count = 0
        for j in range(first[i], last[i]):
            if j != c0 + i:
                contexts[count] = kept[j]
                count += 1
        train_window(inputs, kept[c0 + i], contexts, count, rate, outputs, touches, steps)
        pairs[i] = count
    for i in range(pairs.size):
        copy_row(X, i, inputs, kept[c0 + i])


@njit(cache=True, nogil=True, error_model="numpy")
def _scratch(chunk, shared, reach, dimension):
    """Allocate once what every chunk uses: rows, gradients, negatives, scores, pairs, windows."""
    rows = np.zeros((chunk, dimension), np.float32)
    gradients, positive = np.zeros_like(rows), np.zeros_like(rows)
    sums = np.zeros((chunk + 2 * reach + 1, dimension), np.float32)
    negatives = np.zeros((shared, dimension), np.float32)
    scores = np.zeros((chunk, shared), np.float32)
    pairs, drawn = np.zeros(chunk, np.float32), np.empty(shared, np.int32)
    window = np.zeros(2 * reach, np.float32), np.empty(2 * reach, np.int32)
    windows = np.empty((2, chunk), np.int64)
    bends = (
        np.zeros(chunk, np.float32),
        np.zeros(shared, np.float32),
        np.zeros(shared, np.float32),
    )
    return rows, gradients, positive, sums, negatives, scores, pairs, window, drawn, windows, bends


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _train_chunk(
    kept, c0, size, ahead, noise, inputs, outputs, rate, is_cbow, negative, scratch, input_touches,
    output_touches, state,
):  # fmt: skip
    """Train consecutive kept tokens whose windows are drawn, and return their pairs."""
    X, dX, positive, sums, N, G, all_pairs, window, drawn, windows, bends = scratch
    for r in range(drawn.size):
        state = next_state(state)
        drawn[r] = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
        prefetch_to_write(outputs, drawn[r])
    for i in range(c0 + size, min(c0 + 2 * size, ahead)):
        prefetch_to_write(inputs, kept[i])
        prefetch_to_write(outputs, kept[i])
    pairs, first, last = all_pairs[:size], windows[0], windows[1]
    if is_cbow:
        mean_windows(kept, c0, first, last, inputs, pairs, sums, X)
        attract(kept, c0, rate, outputs, pairs, output_touches, X, positive)
    else:
        _skip_gram(
            kept, c0, first, last, rate, inputs, outputs, pairs, output_touches, X, *window
        )  # fmt: skip
    total = pairs.sum()
    if total == 0:
        return total, state
    weight = np.float32(negative) / np.float32(drawn.size)
    if output_touches.size:
        for r in range(drawn.size):
            output_touches[drawn[r]] += total * weight
    push_apart(pairs, drawn, weight, rate, outputs, X, N, G, dX, *bends)
    if is_cbow:
        spread_gradients(kept, c0, first, last, pairs, positive, dX, sums, inputs)
        count_windows(kept, c0, first, last, pairs, input_touches)
    else:
        add_gradients(kept, c0, pairs, dX, inputs, input_touches)
    return total, state


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def train_sentences(
    tokens, offsets, keep, noise, inputs, outputs, first_rate, last_rate, is_cbow, window,
    negative, chunk, shared, seed, input_touches, output_touches,
):  # fmt: skip
    """Train one pass over sentences, in place.

    Args:
        tokens: int32, all sentences end to end.
        offsets: int64, where each sentence begins, and the end: one more than there are sentences.
        keep: float32 per token id, chance that an occurrence is kept (subsampling).
        noise: int32 table of token ids, from which negatives are drawn evenly.
        inputs: float32, V by d, the vectors.
        outputs: float32, V by d, the context vectors.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token; it falls in a straight line between them.
        is_cbow: The mean of a window predicts its token, in place of the token its window; the
            gradient of the mean is divided by its tokens, which word2vec.c forgets.
        window: Most tokens on each side; each token draws its own reach evenly from 1 to this.
        negative: Negatives per positive pair, in expectation.
        chunk: Consecutive tokens that share negatives.
        shared: Negatives drawn for a chunk.
        seed: Seed of all draws.
        input_touches: float32 per token id, to which each input row's positive pairs are added; or
            empty, and nothing is counted.
        output_touches: Likewise for output rows: positive pairs, and negatives by their weight.

    Returns:
        Positive pairs trained.
    """
    state = (np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for _ in range(4):
        state = next_state(state)
    kept = np.empty(BLOCK, np.int32)
    begin, end = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    scratch = _scratch(chunk, shared, window, inputs.shape[1])
    windows = scratch[-2]
    trained, sentence, position = 0.0, 0, np.int64(offsets[0])
    origin, size = position, max(1, offsets[-1] - offsets[0])
    while sentence < offsets.size - 1:
        before = position
        filled, sentence, position, state = fill(
            tokens, offsets, sentence, position, keep, kept, begin, end, state
        )
        for c0 in range(0, filled, chunk):
            c1 = min(filled, c0 + chunk)
            done = (before - origin + (position - before) * (c0 / filled)) / size
            rate = np.float32(first_rate + (last_rate - first_rate) * done)
            state = draw_windows(begin, end, c0, c1, window, windows[0], windows[1], state)
            pairs, state = _train_chunk(
                kept, c0, c1 - c0, filled, noise, inputs, outputs, rate, is_cbow, negative, scratch,
                input_touches, output_touches, state,
            )  # fmt: skip
            trained += pairs
    return trained
