"""Skip-gram with negative sampling in compiled code: chunks of tokens share their negatives.

Mikolov et al. 2013 give the objective. Chunks of consecutive tokens draw one set of negatives, as in
pWord2Vec (Ji et al. 2016), so that three small matrix products do the work of a dot product per
negative; each token weighs them by (its positive pairs × negative ÷ shared), so that the expected
gradient is that of one draw per pair.
"""

import numpy as np
from numba import njit

BLOCK = 1 << 14  # kept tokens laid out at a time; a sentence that does not fit goes on in the next
_SCALE = np.float32(1 / 16777216.0)

Floats = np.ndarray
Ints = np.ndarray


@njit(cache=True, inline="always")
def _next(state):  # type: ignore[no-untyped-def]
    """Step Marsaglia's xorshift generator of 64 bits."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(cache=True, fastmath=True, inline="always")
def sigmoid(x):  # type: ignore[no-untyped-def]
    """Return 1 / (1 + e^-x) to about 1e-6, saturated beyond 16, as arithmetic alone.

    tanh(x / 2) as the rational minimax approximation that Eigen uses, which the compiler vectorises.
    """
    t = min(max(np.float32(0.5) * x, np.float32(-7.9)), np.float32(7.9))
    s = t * t
    p = np.float32(-2.76076847742355e-16)
    p = p * s + np.float32(2.00018790482477e-13)
    p = p * s + np.float32(-8.60467152213735e-11)
    p = p * s + np.float32(5.12229709037114e-08)
    p = p * s + np.float32(1.48572235717979e-05)
    p = p * s + np.float32(6.37261928875436e-04)
    p = p * s + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * s + np.float32(1.18534705686654e-04)
    q = q * s + np.float32(2.26843463243900e-03)
    q = q * s + np.float32(4.89352518554385e-03)
    return np.float32(0.5) + np.float32(0.5) * (t * p / q)


@njit(cache=True, nogil=True)
def _fill(tokens, offsets, sentence, position, keep, kept, begin, end, state):  # type: ignore[no-untyped-def]
    """Lay out the tokens that subsampling keeps, with the bounds of each one's sentence.

    Returns:
        Tokens laid out, the sentence and position to go on with, and the generator's state.
    """
    filled = 0
    while sentence < offsets.size - 1:
        first = filled
        last = offsets[sentence + 1]
        while position < last and filled < kept.size:
            token = tokens[position]
            position += 1
            state = _next(state)
            if np.float32(state >> np.uint64(40)) * _SCALE < keep[token]:
                kept[filled] = token
                begin[filled] = first
                filled += 1
        for i in range(first, filled):
            end[i] = filled
        if position < last:
            break
        sentence += 1
    return filled, sentence, position, state


@njit(cache=True, nogil=True, fastmath=True)
def _positives(kept, begin, end, c0, c1, window, rate, inputs, outputs, pairs, touches, state):  # type: ignore[no-untyped-def]
    """Train each token of the chunk on the tokens of its shrunken window, pair by pair."""
    dimension = inputs.shape[1]
    total = 0
    for i in range(c0, c1):
        state = _next(state)
        reach = 1 + np.int64((state >> np.uint64(33)) % np.uint64(window))
        a0 = max(np.int64(begin[i]), i - reach)
        a1 = min(np.int64(end[i]), i + reach + 1)
        u = inputs[kept[i]]
        for j in range(a0, a1):
            if j == i:
                continue
            v = outputs[kept[j]]
            score = np.float32(0)
            for k in range(dimension):
                score += u[k] * v[k]
            step = rate * (np.float32(1) - sigmoid(score))
            for k in range(dimension):
                x = u[k]
                y = v[k]
                v[k] = y + step * x
                u[k] = x + step * y
            if touches.size:
                touches[kept[j]] += np.float32(1)
        pairs[i - c0] = a1 - a0 - 1
        total += a1 - a0 - 1
    return total, state


@njit(cache=True, nogil=True, fastmath=True)
def _negatives(rows, pairs, drawn, weight, rate, inputs, outputs, X, N, G, dX, dN):  # type: ignore[no-untyped-def]
    """Push the chunk's input rows and the drawn output rows apart.

    Row i of the chunk takes `weight × pairs[i]` of the gradient of each shared negative.
    """
    dimension = inputs.shape[1]
    size = rows.size
    for i in range(X.shape[0]):
        if i < size:
            u = inputs[rows[i]]
            for k in range(dimension):
                X[i, k] = u[k]
        else:
            pairs[i] = 0
    for r in range(drawn.size):
        v = outputs[drawn[r]]
        for k in range(dimension):
            N[r, k] = v[k]
    np.dot(X, N.T, G)
    for i in range(X.shape[0]):
        step = -rate * weight * pairs[i]
        for r in range(drawn.size):
            G[i, r] = step * sigmoid(G[i, r])
    np.dot(G, N, dX)
    np.dot(G.T, X, dN)
    for i in range(size):
        if pairs[i] > 0:
            u = inputs[rows[i]]
            for k in range(dimension):
                u[k] += dX[i, k]
    for r in range(drawn.size):
        v = outputs[drawn[r]]
        for k in range(dimension):
            v[k] += dN[r, k]


@njit(cache=True, nogil=True, fastmath=True)
def train_skip_gram(  # type: ignore[no-untyped-def]
    tokens, offsets, keep, noise, inputs, outputs, first_rate, last_rate, window, negative, chunk,
    shared, seed, input_touches, output_touches,
):  # fmt: skip
    """Train one pass over sentences, in place.

    Args:
        tokens: int32, all sentences end to end.
        offsets: int64, where each sentence begins, and the end: one more than there are sentences.
        keep: float32 per token id, chance that an occurrence is kept (subsampling).
        noise: int32 table of token ids, from which negatives are drawn evenly.
        inputs: float32, V × d, the vectors.
        outputs: float32, V × d, the context vectors.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token; it falls in a straight line between them.
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
    dimension = inputs.shape[1]
    state = (np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for _ in range(4):
        state = _next(state)
    kept = np.empty(BLOCK, np.int32)
    begin, end = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    X, dX = np.zeros((chunk, dimension), np.float32), np.zeros((chunk, dimension), np.float32)
    N, dN = np.zeros((shared, dimension), np.float32), np.zeros((shared, dimension), np.float32)
    G = np.zeros((chunk, shared), np.float32)
    pairs, drawn = np.zeros(chunk, np.float32), np.empty(shared, np.int32)
    weight = np.float32(negative) / np.float32(shared)
    trained, sentence, position = 0, 0, np.int64(offsets[0])
    origin, size = position, max(1, offsets[-1] - offsets[0])
    while sentence < offsets.size - 1:
        before = position
        filled, sentence, position, state = _fill(
            tokens, offsets, sentence, position, keep, kept, begin, end, state
        )
        for c0 in range(0, filled, chunk):
            c1 = min(filled, c0 + chunk)
            done = (before - origin + (position - before) * (c0 / filled)) / size
            rate = np.float32(first_rate + (last_rate - first_rate) * done)
            total, state = _positives(
                kept, begin, end, c0, c1, window, rate, inputs, outputs, pairs, output_touches,
                state,
            )  # fmt: skip
            trained += total
            if total == 0:
                continue
            for r in range(shared):
                state = _next(state)
                drawn[r] = noise[np.int64((state >> np.uint64(16)) % np.uint64(noise.size))]
            _negatives(kept[c0:c1], pairs, drawn, weight, rate, inputs, outputs, X, N, G, dX, dN)
            if input_touches.size:
                for i in range(c0, c1):
                    input_touches[kept[i]] += pairs[i - c0]
                for r in range(shared):
                    output_touches[drawn[r]] += total * weight
    return trained
