"""The kernel of mode rotated: over all blocks it is the kernel of the whole model."""

import functools

import numpy as np
import pytest
from oracles.word2vec import (
    CORPUS,
    COUNTS,
    NEGATIVE,
    NOISE,
    SIZE,
    WINDOW,
    finite_differences,
    model,
    train,
)

from pipelines.word2vec.kernels import block_kernel, loss
from pipelines.word2vec.kernels.arguments import Block, LearningRates, Model, Options, Sampling
from pipelines.word2vec.sampling import noise_table, noise_weights
from pipelines.word2vec.stored_model import blocks, blocks_of_class, token_ids

WEIGHTS = noise_weights(COUNTS, 0.75)
noise_of = functools.cache(lambda other, classes: noise_table(COUNTS[other::classes], 0.75))


def train_blocks(
    inputs: np.ndarray, outputs: np.ndarray, *, classes: int, rate: float, seed: int
) -> float:
    """Train each block from the same model, in place; return the pairs of all blocks."""
    begin, pairs = (inputs.copy(), outputs.copy()), 0.0
    for own, other in np.ndindex(classes, classes):
        sides = Model(begin[0][own::classes].copy(), begin[1][other::classes].copy())
        pairs += block_kernel.train_block(
            CORPUS,
            Sampling(np.ones(SIZE, np.float32), noise_of(other, classes)),
            float(WEIGHTS[other::classes].sum() / WEIGHTS.sum()),
            sides,
            LearningRates(rate, rate),
            Block(own, other, classes),
            Options(False, WINDOW, NEGATIVE, chunk=3, shared=2),
            (seed, seed * 9 + own * classes + other),
        )
        inputs[own::classes] += sides[0] - begin[0][own::classes]
        outputs[other::classes] += sides[1] - begin[1][other::classes]
    return pairs


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_the_mean_step_over_all_blocks_is_the_gradient_of_the_expected_loss(classes: int) -> None:
    rate, runs = 1e-3, 4000
    moved = np.zeros((2, *model()[0].shape))
    for seed in range(runs):
        inputs, outputs = model()
        train_blocks(inputs, outputs, classes=classes, rate=rate, seed=seed)
        moved += np.stack([inputs, outputs]) - np.stack(model())
    expected = -finite_differences(*model(), is_cbow=False)
    assert np.abs(moved / runs / rate - expected).max() < 0.04 * np.abs(expected).max()


def test_all_blocks_see_the_windows_that_the_whole_model_sees() -> None:
    whole = train(*model(), rate=1e-3, seed=7, is_cbow=False)
    assert whole > 0
    one, *others = (train_blocks(*model(), classes=n, rate=1e-3, seed=7) for n in (1, 2, 3, 6))
    assert [one] * 3 == others
    with_reach = {train_blocks(*model(), classes=2, rate=1e-3, seed=n) for n in range(20)}
    assert len(with_reach) > 1  # windows shrink at random


@pytest.mark.parametrize("classes", [2, 5])
def test_the_losses_of_all_blocks_are_those_of_the_whole_model(classes: int) -> None:
    inputs, outputs = model()
    asked = {"window": 5, "negative": 0, "is_cbow": False}
    total, count = loss.held_out_loss(CORPUS, NOISE, Model(inputs, outputs), **asked)
    parts = [
        loss.held_out_loss(
            CORPUS,
            NOISE,
            Model(inputs[own::classes], outputs[other::classes]),
            block=Block(own, other, classes),
            **asked,
        )
        for own, other in np.ndindex(classes, classes)
    ]
    assert sum(part for part, _ in parts) == pytest.approx(total)
    assert sum(n for _, n in parts) == count == 18


@pytest.mark.parametrize(("size", "classes"), [(5, 1), (10_001, 1), (10_001, 2), (50_000, 7)])
def test_the_blocks_of_all_classes_hold_each_token_id_once(size: int, classes: int) -> None:
    found = []
    for which in range(classes):
        first = which * blocks_of_class(size, classes)
        for n, part in blocks(len(range(which, size, classes))):
            rows = part.stop - part.start
            ids = token_ids(first + n, rows, size=size, classes=classes)
            assert (ids % classes == which).all()
            assert (ids // classes == np.arange(part.start, part.stop)).all()
            found.append(ids)
    assert sorted(np.concatenate(found).tolist()) == list(range(size))
