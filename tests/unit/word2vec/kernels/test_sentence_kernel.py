"""The Word2Vec kernel against the gradient of the objective it claims to descend."""

import numpy as np
import pytest
from oracles.word2vec import (
    CORPUS,
    DIMENSION,
    NEGATIVE,
    NOISE,
    SENTENCES,
    SIZE,
    TOKENS,
    WINDOW,
    finite_differences,
    model,
    train,
)

from pipelines.word2vec.kernels import loss, sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    UNCOUNTED,
    LearningRates,
    Model,
    Options,
    Sampling,
    Sentences,
    Touches,
)
from pipelines.word2vec.kernels.hot_rows import ALONE
from pipelines.word2vec.sampling import (
    chunk_size,
    keep_probabilities,
    noise_table,
    shared_negatives,
)


@pytest.mark.parametrize("dimension", [DIMENSION, 21])  # less than a vector; one, and a rest
@pytest.mark.parametrize("is_cbow", [False, True])
def test_the_mean_step_is_the_gradient_of_the_expected_loss(is_cbow: bool, dimension: int) -> None:
    rate, runs = 1e-3, 4000
    moved, first = np.zeros((2, SIZE, dimension)), model(dimension=dimension)
    for seed in range(runs):
        inputs, outputs = first[0].copy(), first[1].copy()
        train(inputs, outputs, rate=rate, seed=seed, is_cbow=is_cbow)
        moved += np.stack([inputs, outputs]) - np.stack(first)
    expected = -finite_differences(*first, is_cbow=is_cbow)
    found = moved / runs / rate
    assert np.abs(found - expected).max() < 0.04 * np.abs(expected).max()


@pytest.mark.parametrize("is_cbow", [False, True])
def test_the_reference_loss_is_the_held_out_loss_for_whole_windows(is_cbow: bool) -> None:
    inputs, outputs = model()
    noise = np.array([2, 0], np.int32)
    found, count = loss.held_out_loss(
        CORPUS, noise, Model(inputs, outputs), window=5, negative=3, is_cbow=is_cbow
    )
    exact = inputs.astype(np.float64)
    others = [[(s[j]) for j in range(len(s)) if j != i] for s in SENTENCES for i in range(len(s))]
    if is_cbow:  # the mean of a token's company, and the token
        pairs = [(exact[o].mean(0), t) for t, o in zip(TOKENS, others, strict=True) if o]
    else:
        pairs = [(exact[t], o) for t, own in zip(TOKENS, others, strict=True) for o in own]
    assert count == len(pairs) == (7 if is_cbow else 18)
    drawn = noise[np.random.default_rng(0).integers(0, 2, (100_000, 3))]
    logits = [source @ outputs.astype(np.float64).T for source, _ in pairs]
    expected = [
        np.log1p(np.exp(-own[target])) + np.log1p(np.exp(own[drawn[n]])).sum()
        for n, (own, (_, target)) in enumerate(zip(logits, pairs, strict=True))
    ]
    assert found == pytest.approx(np.sum(expected), rel=1e-12)


@pytest.mark.parametrize("is_cbow", [False, True])
def test_touches_count_pairs_and_weighted_negatives(is_cbow: bool) -> None:
    touches = Touches(np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32))
    pairs = train(*model(), rate=0.01, seed=1, is_cbow=is_cbow, touches=touches)
    assert touches[0].sum() == pytest.approx(pairs)  # CBOW: a window's tokens share its one
    assert pairs == 7 if is_cbow else pairs > 7
    assert touches[1].sum() == pytest.approx(pairs * (1 + NEGATIVE))
    assert touches[0][4] == 0, "a token alone in its sentence has no pair"


@pytest.mark.parametrize("is_cbow", [False, True])
def test_rows_without_touches_do_not_move(is_cbow: bool) -> None:
    touches = Touches(np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32))
    inputs, outputs = model()
    train(inputs, outputs, rate=0.01, seed=3, is_cbow=is_cbow, touches=touches)
    for side, before, touched in zip((inputs, outputs), model(), touches, strict=True):
        assert np.array_equal((side != before).any(1), touched > 0)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    ends = []
    for seed in (7, 7, 8):
        inputs, outputs = model()
        train(inputs, outputs, rate=0.05, seed=seed, is_cbow=False)
        ends.append(inputs.tobytes() + outputs.tobytes())
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize("is_cbow", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("times", [1, 4])
def test_few_tokens_and_high_rates_stay_bounded(times: int, share: float, is_cbow: bool) -> None:
    rng, rate = np.random.default_rng(0), times * (0.15 if is_cbow else 0.025)
    tokens = rng.integers(0, 10, 6000).astype(np.int32)
    tokens[rng.random(6000) < share] = 0
    counts = np.bincount(tokens, minlength=10)
    offsets = np.arange(0, 6001, 10)
    inputs = ((rng.random((10, 8)) - 0.5) / 8).astype(np.float32)
    outputs = np.zeros_like(inputs)
    chunk = chunk_size(counts, 0.75, window=5, negative=5, learning_rate=rate, is_cbow=is_cbow)
    noise = noise_table(counts, 0.75)
    for epoch in range(10):
        sentence_kernel.train_sentences(
            Sentences(tokens, offsets),
            Sampling(keep_probabilities(counts, 1e-3), noise),
            Model(inputs, outputs),
            LearningRates(rate, rate),
            Options(is_cbow, 5, 5, chunk, shared_negatives(is_cbow=is_cbow)),
            epoch,
            UNCOUNTED,
            ALONE,
        )
    assert np.abs(inputs).max() < 20


def test_sentences_longer_than_a_block_are_trained_whole() -> None:
    size = 2 * sentence_kernel.BLOCK + 100
    tokens = (np.arange(size) % SIZE).astype(np.int32)
    inputs, outputs = model()
    pairs = sentence_kernel.train_sentences(
        Sentences(tokens, np.array([0, size])),
        Sampling(np.ones(SIZE, np.float32), NOISE),
        Model(inputs, outputs),
        LearningRates(0.01, 0.01),
        Options(False, window=1, negative=5, chunk=8, shared=8),
        1,
        UNCOUNTED,
        ALONE,
    )
    assert pairs == 2 * size - 2 * 3, "two neighbours each, but for the ends of three blocks"


def test_subsampling_keeps_as_word2vec_does() -> None:
    counts = np.array([1_000_000, 1000, 10])
    frequency = counts / counts.sum()
    expected = (np.sqrt(frequency / 1e-3) + 1) * 1e-3 / frequency
    np.testing.assert_allclose(keep_probabilities(counts, 1e-3), np.minimum(1, expected), rtol=1e-6)
    assert keep_probabilities(counts, 0).tolist() == [1, 1, 1]


@pytest.mark.parametrize("is_cbow", [False, True])
def test_occurrences_are_left_out_by_their_chance(is_cbow: bool) -> None:
    """Of sentences (0, 1) only those have a pair in which both tokens are kept."""
    sentences = 20_000
    tokens, offsets = np.tile(np.array([0, 1], np.int32), sentences), np.arange(sentences + 1) * 2
    pairs = sentence_kernel.train_sentences(
        Sentences(tokens, offsets),
        Sampling(np.array([0.3, 0.8], np.float32), np.array([0, 1], np.int32)),
        model(),
        LearningRates(0.0, 0.0),
        Options(is_cbow, WINDOW, NEGATIVE, chunk=8, shared=5),
        1,
        UNCOUNTED,
        ALONE,
    )
    expected = sentences * 0.3 * 0.8
    assert pairs == pytest.approx(2 * expected, abs=5 * 2 * expected**0.5)


@pytest.mark.parametrize("exponent", [0.75, 0.0, -0.5])
def test_noise_is_drawn_by_the_power_of_counts(exponent: float) -> None:
    counts = np.array([500, 30, 0, 2])
    table = noise_table(counts, exponent)
    found = np.bincount(table, minlength=4) / table.size
    weights = np.array([500.0**exponent, 30.0**exponent, 0, 2.0**exponent])
    np.testing.assert_allclose(found, weights / weights.sum(), atol=1e-6)
