# mypy: disable-error-code="no-untyped-def, assignment"
"""Skip-gram on one block of a model: input rows of one class of token ids, output rows of another.

Token id n is row n // classes of class n % classes: ids go by frequency, so that classes are alike.
Each token of the input class is trained on the tokens of its window that are of the output class,
and pushed from negatives of that class as often as the whole model would push it from them: by its
whole window's pairs times the class's share of the noise. Over all blocks that is the whole
gradient.
"""

import numpy as np

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.rows import copy
from pipelines.word2vec.kernels.steps import add_gradients, push_apart, pushed, train_window
from pipelines.word2vec.kernels.stream import draw_windows, fill, next_state

_LAID_OUT = 1 << 14  # kept tokens at a time


@inner
def _window(kept, i, begin, end, other, classes, contexts):
    """Write the rows of a window's tokens of the output class; return how many, and all pairs."""
    count = 0
    for j in range(begin, end):
        if j != i and kept[j] % classes == other:
            contexts[count] = kept[j] // classes
            count += 1
    return count, end - begin - 1


@inner
def _push(rows, pairs, filled, noise, weight, rate, inputs, outputs, scratch, state):
    """Push the input rows of a full chunk, or of the last one, from negatives drawn for it."""
    drawn, push, nothing = scratch
    for r in range(drawn.size):
        state = next_state(state)
        drawn[r] = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
    for i in range(filled):
        push[-1][i] = copy(push[0], i, inputs, rows[i], inputs.shape[1])
    push_apart(pairs[:filled], drawn, weight, rate, outputs, *push)
    add_gradients(rows, 0, pairs[:filled], push[1], inputs, nothing)
    return state


@compiled(nogil=True, fastmath=True, error_model="numpy")
def train_block(
    tokens, offsets, keep, noise, share, inputs, outputs, first_rate, last_rate, block, window,
    negative, chunk, shared, seed, noise_seed,
):  # fmt: skip
    """Train one pass over sentences on one block, in place.

    Args:
        tokens: int32, all sentences end to end.
        offsets: int64, where each sentence begins, and the end.
        keep: float32 per token id, chance that an occurrence is kept.
        noise: int32 table of the output class's rows, from which negatives are drawn evenly.
        share: Share of the output class in the noise of the whole vocabulary.
        inputs: float32, rows of the input class by d.
        outputs: float32, rows of the output class by d.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token.
        block: Input class, output class and number of classes.
        window: Most tokens on each side.
        negative: Negatives per positive pair over all classes, in expectation.
        chunk: Tokens of the input class that share negatives.
        shared: Negatives drawn for a chunk.
        seed: Seed of subsampling and windows: the same for all blocks of a pass.
        noise_seed: Seed of the negatives.

    Returns:
        Positive pairs trained.
    """
    own, other, classes = block
    state = (np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    noise_state = (np.uint64(noise_seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for _ in range(4):
        state, noise_state = next_state(state), next_state(noise_state)
    kept = np.empty(_LAID_OUT, np.int32)
    begin, end = np.empty(_LAID_OUT, np.int32), np.empty(_LAID_OUT, np.int32)
    first, last = np.empty(_LAID_OUT, np.int64), np.empty(_LAID_OUT, np.int64)
    steps, contexts = np.zeros(2 * window, np.float32), np.empty(2 * window, np.int32)
    rows, pairs = np.empty(chunk, np.int32), np.zeros(chunk, np.float32)
    nothing = np.empty(0, np.float32)
    scratch = np.empty(shared, np.int32), pushed(chunk, shared, inputs.shape[1]), nothing
    weight = np.float32(negative * share / shared)
    trained, filled, sentence, position = 0.0, 0, 0, np.int64(offsets[0])
    origin, size, rate = position, max(1, offsets[-1] - offsets[0]), np.float32(first_rate)
    while sentence < offsets.size - 1:
        laid_out, sentence, position, state = fill(
            tokens, offsets, sentence, position, keep, kept, begin, end, state
        )
        state = draw_windows(begin, end, 0, laid_out, window, first, last, state)
        rate = np.float32(first_rate + (last_rate - first_rate) * ((position - origin) / size))
        for i in range(laid_out):
            if kept[i] % classes != own:
                continue
            count, every = _window(kept, i, first[i], last[i], other, classes, contexts)
            rows[filled], pairs[filled] = kept[i] // classes, every
            train_window(inputs, rows[filled], contexts, count, rate, outputs, nothing, steps)
            trained, filled = trained + count, filled + 1
            if filled == chunk:
                noise_state = _push(
                    rows, pairs, filled, noise, weight, rate, inputs, outputs, scratch, noise_state
                )
                filled = 0
    if filled:
        _push(rows, pairs, filled, noise, weight, rate, inputs, outputs, scratch, noise_state)
    return trained
