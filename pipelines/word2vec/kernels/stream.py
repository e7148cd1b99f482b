"""The kernel's small parts: random numbers, sigmoid, rows, subsampled tokens and their windows."""

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled
from pipelines.word2vec.kernels.arguments import Floats, LaidOut, Sentences

_SCALE = np.float32(1 / 16777216.0)  # 2^-24: 24 random bits to a float32 in [0, 1)


@compiled()
def next_state(state: np.uint64) -> np.uint64:
    """Return the next state of Marsaglia's xorshift generator of 64 bits (2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@compiled(nogil=True, error_model="numpy")
def first_state(seed: int) -> np.uint64:
    """Return the generator's state for a seed; similar seeds give unlike states."""
    state = (np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio
    for _ in range(4):
        state = next_state(state)
    return state


@compiled(fastmath=True, error_model="numpy")
def sigmoid(x: np.float32) -> np.float32:
    """Return 1 / (1 + e^-x) to about 1e-6, constant beyond |x| = 15.8, by arithmetic alone.

    It is (1 + tanh(x / 2)) / 2, with Eigen's rational minimax approximation of tanh, which the
    compiler vectorises.
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
def fill(
    sentences: Sentences,
    sentence: int,
    position: int,
    keep: Floats,
    laid: LaidOut,
    state: np.uint64,
) -> tuple[np.int64, int, int, np.uint64]:
    """Lay out the tokens that subsampling keeps, with the bounds of each one's sentence.

    Returns:
        Tokens laid out, the sentence and position to go on with, and the generator's state.
    """
    tokens, offsets = sentences.tokens, sentences.offsets
    kept, begin, end = laid.kept, laid.begin, laid.end
    filled = np.int64(0)
    while sentence < offsets.size - 1:
        first = filled
        last = offsets[sentence + 1]
        while position < last and filled < kept.size:
            token = tokens[position]
            position += 1
            state = next_state(state)
            kept[filled], begin[filled] = token, first  # without a branch: else overwritten
            filled += np.int64(np.float32(state >> np.uint64(40)) * _SCALE < keep[token])
        for i in range(first, filled):
            end[i] = filled
        if position < last:
            break
        sentence += 1
    return filled, sentence, position, state


@compiled(nogil=True, error_model="numpy")
def draw_windows(
    laid: LaidOut,
    c0: int,
    c1: int,
    window: int,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    state: np.uint64,
) -> np.uint64:
    """Draw the reach of tokens c0 to c1 - 1, from 1 to `window`, and cut it at sentences' ends."""
    begin, end = laid.begin, laid.end
    for i in range(c0, c1):
        state = next_state(state)
        reach = 1 + np.int64((state >> np.uint64(33)) % np.uint64(window))
        first[i - c0] = max(np.int64(begin[i]), i - reach)
        last[i - c0] = min(np.int64(end[i]), i + reach + 1)
    return state


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def copy_row(to: Floats, i: int, rows: Floats, j: int) -> None:
    """Set row i of one matrix to row j of another, which may be narrower.

    Loops compile faster than slices.
    """
    for k in range(rows.shape[1]):
        to[i, k] = rows[j, k]


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def add_row(to: Floats, i: int, rows: Floats, j: int) -> None:
    """Add row j of one matrix, which may be wider, to row i of another."""
    for k in range(to.shape[1]):
        to[i, k] += rows[j, k]


@compiled(nogil=True, fastmath=True, error_model="numpy")
def shorten(steps: Floats, curvatures: Floats, limit: np.float32) -> None:
    """Scale steps by limit / curvature where their step times curvature is above the limit."""
    for i in range(curvatures.size):
        if curvatures[i] > limit:
            share = limit / curvatures[i]
            for k in range(steps.shape[1]):
                steps[i, k] *= share
