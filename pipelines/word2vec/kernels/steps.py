"""Gradient steps that every kernel takes: a token and its window, tokens and negatives."""

import numpy as np

from pipelines.kernels.compiling import compiled, inner
from pipelines.kernels.products import multiply, padded
from pipelines.kernels.rows import copy
from pipelines.word2vec.kernels.arguments import Floats, Ids, Model, PushArrays
from pipelines.word2vec.kernels.stream import add_row, shorten, sigmoid

LIMIT = np.float32(2)  # step times curvature; beyond 2 descent on a quadratic diverges
REACH = np.float32(4)  # minus the score at which a push is over: s(-4) = 0.018, s as in `sigmoid`


@inner
def train_window(
    model: Model,
    row: int,
    contexts: Ids,
    count: int,
    rate: np.float32,
    touches: Floats,
    steps: Floats,
) -> None:
    """Add rate (1 - s(u v)) times the other to input row u and each context's output row v.

    All pairs are scored before any is trained: else each score would wait for the step before it.
    """
    outputs, u = model.outputs, model.inputs[row]
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
def push_arrays(chunk: int, shared: int, dimension: int) -> PushArrays:
    """Return scratch of `push_apart` for so many tokens and negatives."""
    width, count = padded(dimension), padded(shared)
    return PushArrays(
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
    pairs: Floats,
    drawn: Ids,
    weight: np.float32,
    rate: np.float32,
    outputs: Floats,
    push: PushArrays,
) -> None:
    """Push the rows of X and the drawn output rows apart; leave the steps of X in X_steps.

    A pair's loss is log(1 + e^g), with g = x n its score and s(g) its derivative. Row i steps by
    dx = -h sum s(g) n over the negatives, with h = rate * weight * pairs[i]; each negative by the
    sum of -h s(g) x. As a row takes all steps at once they may overshoot: the step is scaled to
    LIMIT where h sum c |n|^2 exceeds it. The curvature c is s(g) (1 - s(g)) or, if larger, about
    its mean between g and -REACH: (s(g) - s(-4)) / (g + 4), taken as s(g) / (|g| + REACH).
    """
    X, N, G, N_transposed = push.X, push.N, push.G, push.N_transposed
    for r in range(drawn.size):
        push.N_squares[r] = copy(N, r, outputs, drawn[r], outputs.shape[1])
        push.N_curvatures[r] = np.float32(0)
        for k in range(N.shape[1]):
            N_transposed[k, r] = N[r, k]
    multiply(X, N_transposed, G)
    for i in range(X.shape[0]):
        step = -rate * weight * pairs[i] if i < pairs.size else np.float32(0)
        square, curvature = push.X_squares[i], np.float32(0)
        for r in range(drawn.size):
            s = sigmoid(G[i, r])
            mean = max(np.float32(1) - s, np.float32(1) / (abs(G[i, r]) + REACH))
            slope = s * mean * step
            curvature -= slope * push.N_squares[r]
            push.N_curvatures[r] -= slope * square
            G[i, r] = step * s
        push.X_curvatures[i] = curvature
    multiply(G, N, push.X_steps)
    multiply(G.T, X, N)
    shorten(push.X_steps, push.X_curvatures, LIMIT)
    shorten(N, push.N_curvatures, LIMIT)
    for r in range(drawn.size):
        add_row(outputs, drawn[r], N, r)


@inner
def add_gradients(
    tokens: Ids, first: int, pairs: Floats, dX: Floats, inputs: Floats, touches: Floats
) -> None:
    """Add row i of dX to the input row of token `first + i`, where that token has a pair."""
    for i in range(pairs.size):
        if pairs[i] > 0:
            add_row(inputs, tokens[first + i], dX, i)
            if touches.size:
                touches[tokens[first + i]] += pairs[i]
