"""Threads' copies of frequent rows: nothing that a thread does is lost, nothing else is changed."""

import numpy as np
import pytest

from pipelines.word2vec.kernels import hot_rows, sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    LearningRates,
    Model,
    Options,
    OwnRows,
    Sampling,
    Sentences,
    Touches,
)
from pipelines.word2vec.kernels.hot_rows import ALONE, copied_rows, fold, own_rows
from pipelines.word2vec.sampling import noise_table

SIZE, DIMENSION, THREADS = 400, 12, 2
COUNTS = np.r_[np.full(100, 40), np.full(SIZE - 100, 4)]


def trained(is_cbow: bool, own: OwnRows, rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    tokens = rng.permutation(np.repeat(np.arange(SIZE), COUNTS)).astype(np.int32)
    offsets = np.array([0, tokens.size // 3, tokens.size])
    model = np.zeros((2, rows, DIMENSION), np.float32)
    model[:, :SIZE] = rng.normal(0, 0.3, (2, SIZE, DIMENSION))
    touches = np.zeros((2, rows), np.float32)
    sentence_kernel.train_sentences(
        Sentences(tokens, offsets),
        Sampling(np.ones(SIZE, np.float32), noise_table(COUNTS, 0.75)),
        Model(*model),
        LearningRates(0.05, 0.01),
        Options(is_cbow, window=3, negative=5, chunk=16, shared=8),
        7,
        Touches(*touches),
        own,
    )
    return [*model, *touches]


@pytest.mark.parametrize("is_cbow", [False, True])
@pytest.mark.parametrize("thread", range(THREADS))
def test_one_thread_with_copies_trains_as_one_without(is_cbow: bool, thread: int) -> None:
    expected = trained(is_cbow, ALONE, SIZE)
    rows = SIZE + THREADS * copied_rows(SIZE, THREADS)
    found = trained(is_cbow, own_rows(SIZE, THREADS, thread)._replace(threads=1), rows)
    for touches in found[2:]:
        fold(touches, SIZE, THREADS)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other[:SIZE], one, rtol=1e-3, atol=1e-5)
    assert not found[2][SIZE:].any()
    assert np.abs(expected[0]).max() > 0.5, "trained at all"


def test_shared_rows_move_by_the_mean_of_what_threads_did() -> None:
    model = np.zeros((2, 3 + THREADS * 3, 4), np.float32)
    model[:, :3] = np.arange(24).reshape(2, 3, 4)
    before = model[:, :3].copy()
    moves = np.random.default_rng(1).normal(size=(THREADS, 2, 3, 4))
    taken = np.zeros((THREADS, 2, 3, 4), np.float32)
    for thread, start in enumerate((3, 6)):
        hot_rows.take(*model, taken[thread], start)
        model[:, start : start + 3] += moves[thread]
    for thread, start in enumerate((3, 6)):
        hot_rows.exchange(*model, taken[thread], start, np.float32(1 / THREADS))
    np.testing.assert_allclose(model[:, :3], before + moves.mean(0), rtol=1e-5)
    np.testing.assert_allclose(model[:, 6:], model[:, :3])


def test_one_thread_has_no_copies() -> None:
    assert own_rows(SIZE, 1, 0).copies == ALONE.copies == 0
    assert copied_rows(1000, 2) == 512
    assert copied_rows(1000, 16) == 64
    assert copied_rows(10, 2) == 10
