"""What the kernel must find in corpora of known structure, and survive in wild ones."""

import numpy as np
import pytest

from pipelines.word2vec.kernels import sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    UNCOUNTED,
    LearningRates,
    Model,
    Options,
    Sampling,
    Sentences,
)
from pipelines.word2vec.kernels.hot_rows import ALONE
from pipelines.word2vec.sampling import (
    chunk_size,
    keep_probabilities,
    noise_table,
    shared_negatives,
)

WINDOW, NEGATIVE, DIMENSION = 5, 5, 24


def train(
    tokens: np.ndarray,
    length: int,
    *,
    epochs: int,
    rate: float,
    is_cbow: bool = False,
    sample: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Train sentences of one length by one thread."""
    counts = np.bincount(tokens)
    offsets = np.arange(0, tokens.size + 1, length).astype(np.int64)
    rng = np.random.default_rng(0)
    inputs = ((rng.random((counts.size, DIMENSION)) - 0.5) / DIMENSION).astype(np.float32)
    outputs = np.zeros_like(inputs)
    keep, noise = keep_probabilities(counts, sample), noise_table(counts, 0.75)
    chunk = chunk_size(
        counts, 0.75, window=WINDOW, negative=NEGATIVE, learning_rate=rate, is_cbow=is_cbow
    )
    shared = shared_negatives(is_cbow=is_cbow)
    rates = np.linspace(rate, 1e-4, epochs + 1)
    for epoch in range(epochs):
        sentence_kernel.train_sentences(
            Sentences(tokens.astype(np.int32), offsets),
            Sampling(keep, noise),
            Model(inputs, outputs),
            LearningRates(rates[epoch], rates[epoch + 1]),
            Options(is_cbow, WINDOW, NEGATIVE, chunk, shared),
            epoch,
            UNCOUNTED,
            ALONE,
        )
    return inputs, outputs


@pytest.mark.parametrize("is_cbow", [False, True])
def test_planted_analogies_are_recovered(is_cbow: bool) -> None:
    """Each of 6 x 6 words keeps company with words of its row and words of its column."""
    side, company, sentences, length = 6, 8, 12_000, 10
    rng = np.random.default_rng(2)
    rows, columns = rng.integers(0, side, (2, sentences, 1))
    word = rows * side + columns
    is_row = rng.random((sentences, length)) < 0.5
    about = np.where(is_row, rows, side + columns) * company
    tokens = side * side + about + rng.integers(0, company, (sentences, length))
    tokens[:, [2, 7]] = word
    inputs, _ = train(
        tokens.ravel(), length, epochs=5, rate=0.1 if is_cbow else 0.05, is_cbow=is_cbow
    )
    words = inputs[: side * side]
    words = words / np.linalg.norm(words, axis=1, keepdims=True)
    right = total = 0
    for a, b, c, d in np.ndindex(side, side, side, side):
        if a == c or b == d:
            continue
        given = [a * side + b, a * side + d, c * side + b]
        scores = words @ (words[given[1]] - words[given[0]] + words[given[2]])
        scores[given] = -np.inf
        right, total = right + (scores.argmax() == c * side + d), total + 1
    assert right / total > 0.9


@pytest.mark.parametrize("is_cbow", [False, True])
@pytest.mark.parametrize("tokens", ["half of it one token", "few tokens", "even"])
def test_vectors_are_finite_at_four_times_the_learning_rate(tokens: str, is_cbow: bool) -> None:
    rng = np.random.default_rng(1)
    size = {"half of it one token": 500, "few tokens": 4, "even": 500}[tokens]
    drawn = rng.integers(0, size, 200_000)
    if tokens == "half of it one token":
        drawn[rng.random(drawn.size) < 0.5] = 0
    sides = train(drawn, 20, epochs=2, rate=0.6 if is_cbow else 0.1, is_cbow=is_cbow)
    assert all(np.isfinite(side).all() for side in sides)
    assert all(np.linalg.norm(side, axis=1).max() < 50 for side in sides)
