# mypy: disable-error-code="no-untyped-def, assignment"
"""The steps down the loss that every kernel takes: a token and its window, tokens and negatives."""

import numpy as np

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.products import multiply, padded
from pipelines.kernels.rows import copy
from pipelines.word2vec.kernels.stream import add_row, shorten, sigmoid

LIMIT = np.float32(2)  # step times curvature; beyond 2 a step ends further off than it began
REACH = np.float32(4)  # a score of -4 hardly asks to be lowered: what lies between is a step's way


@inner
def train_window(inputs, row, contexts, count, rate, outputs, touches, steps):
    """Draw a token's input row and the output rows of its context together.

    All pairs are scored before any is trained: else each score would wait for the step before it.
    """
    u = inputs[row]
    for j in range(count):
        v = outputs[contexts[j]]
        score = np.float32(0)
        for k in range(u.size):
            score += u[k] * v[k]
        steps[j] = score
    for j in range(count):
        steps[j] = rate * (np.float32(1) - sigmoid(steps[j]))
    for j in range(count):
        v, step = outputs[contexts[j]], steps[j]
        for k in range(u.size):
            x = u[k]
            y = v[k]
            v[k] = y + step * x
            u[k] = x + step * y
        if touches.size:
            touches[contexts[j]] += np.float32(1)


@compiled(nogil=True, error_model="numpy")
def pushed(chunk, shared, dimension):
    """Allocate what `push_apart` works on, as wide and as many as products want."""
    width, count = padded(dimension), padded(shared)
    return (
        np.zeros((chunk, width), np.float32),
        np.zeros((chunk, width), np.float32),
        np.zeros((count, width), np.float32),
        np.zeros((width, count), np.float32),
        np.zeros((chunk, count), np.float32),
        np.zeros(chunk, np.float32),
        np.zeros(shared, np.float32),
        np.zeros(shared, np.float32),
        np.zeros(chunk, np.float32),
    )


@inner
def push_apart(
    pairs, drawn, weight, rate, outputs, X, dX, N, columns, G, bends_in, bends_out, sizes,
    squares,
):  # fmt: skip
    """Push the rows of X and the drawn output rows apart; leave the gradient of X in dX.

    Row i of X takes `weight * pairs[i]` of the gradient of each shared negative. All of them act at
    once on a row: where that overshoots it is shortened. That is where step times curvature passes
    a limit: the sigmoid's own curvature or, where it is saturated, its mean on the way down.
    `columns` takes the transpose of N; `squares` has the squared lengths of the rows of X.
    """
    for r in range(drawn.size):
        sizes[r] = copy(N, r, outputs, drawn[r], outputs.shape[1])
        bends_out[r] = np.float32(0)
        for k in range(N.shape[1]):
            columns[k, r] = N[r, k]
    multiply(X, columns, G)
    for i in range(X.shape[0]):
        step = -rate * weight * pairs[i] if i < pairs.size else np.float32(0)
        size, bend = squares[i], np.float32(0)
        for r in range(drawn.size):
            s = sigmoid(G[i, r])
            far = max(np.float32(1) - s, np.float32(1) / (abs(G[i, r]) + REACH))
            slope = s * far * step
            bend -= slope * sizes[r]
            bends_out[r] -= slope * size
            G[i, r] = step * s
        bends_in[i] = bend
    multiply(G, N, dX)
    multiply(G.T, X, N)
    shorten(dX, bends_in, LIMIT)
    shorten(N, bends_out, LIMIT)
    for r in range(drawn.size):
        add_row(outputs, drawn[r], N, r)


@inner
def add_gradients(tokens, first, pairs, dX, inputs, touches):
    """Add row i of dX to the input row of token `first + i`, where that token has a pair."""
    for i in range(pairs.size):
        if pairs[i] > 0:
            add_row(inputs, tokens[first + i], dX, i)
            if touches.size:
                touches[tokens[first + i]] += pairs[i]
