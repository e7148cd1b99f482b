# mypy: disable-error-code="no-untyped-def, assignment"
"""The kernel's small parts: random numbers, sigmoid, rows, subsampled tokens and their windows."""

import numpy as np

from pipelines.kernels.compiling import compiled

_SCALE = np.float32(1 / 16777216.0)


@compiled()
def next_state(state):
    """Step Marsaglia's xorshift generator of 64 bits."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@compiled(fastmath=True, error_model="numpy")
def sigmoid(x):
    """Return 1 / (1 + e^-x) to about 1e-6, saturated beyond 16, as arithmetic alone.

    tanh(x / 2) as the rational minimax approximation of Eigen, which the compiler vectorises.
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


@compiled(nogil=True, error_model="numpy")
def fill(tokens, offsets, sentence, position, keep, kept, begin, end, state):
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
            state = next_state(state)
            kept[filled], begin[filled] = (
                token,
                first,
            )  # overwritten where it is not kept: no branch
            filled += np.int64(np.float32(state >> np.uint64(40)) * _SCALE < keep[token])
        for i in range(first, filled):
            end[i] = filled
        if position < last:
            break
        sentence += 1
    return filled, sentence, position, state


@compiled(nogil=True, error_model="numpy")
def draw_windows(begin, end, c0, c1, window, first, last, state):
    """Draw each token's reach, from 1 to `window`, and cut it at its sentence's ends."""
    for i in range(c0, c1):
        state = next_state(state)
        reach = 1 + np.int64((state >> np.uint64(33)) % np.uint64(window))
        first[i - c0] = max(np.int64(begin[i]), i - reach)
        last[i - c0] = min(np.int64(end[i]), i + reach + 1)
    return state


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def copy_row(to, i, rows, j):
    """Set row i of one matrix to row j of another, which may be narrower.

    Loops compile faster than slices.
    """
    for k in range(rows.shape[1]):
        to[i, k] = rows[j, k]


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def add_row(to, i, rows, j):
    """Add row j of one matrix to row i of another, which may be narrower."""
    for k in range(to.shape[1]):
        to[i, k] += rows[j, k]


@compiled(nogil=True, fastmath=True, error_model="numpy")
def shorten(rows, bends, limit):
    """Scale rows down whose step times curvature passes a limit."""
    for i in range(bends.size):
        if bends[i] > limit:
            share = limit / bends[i]
            for k in range(rows.shape[1]):
                rows[i, k] *= share
