"""The equilibrium merge against a simulated linear relaxation, where it is exact."""

import numpy as np
import pytest
from scipy.linalg import expm

from pipelines.word2vec.modes.balance import Moments, Stretch
from pipelines.word2vec.modes.merge import (
    Basis,
    RowSums,
    balancing_scale,
    continued_balance,
    relaxation_share,
)

RATE, SLOPE, DIMENSION = 0.02, 0.3, 5
EYE = np.eye(DIMENSION)


def curvature(seed: int = 0) -> np.ndarray:
    """Return a moment with directions from nearly flat to steep."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))[0]
    return (directions * np.geomspace(1e-3, 10, DIMENSION)) @ directions.T


def relaxed(row: np.ndarray, optimum: np.ndarray, touches: float) -> np.ndarray:
    """Solve dw/dn = -rate slope J (w - optimum) by a matrix exponential."""
    return optimum + expm(-RATE * SLOPE * touches * curvature()) @ (row - optimum)


def merged(rows: np.ndarray, ends: list[np.ndarray], touches: list[np.ndarray]) -> np.ndarray:
    sums = RowSums(rows.astype(np.float32))
    for end, count in zip(ends, touches, strict=True):
        ids = np.arange(len(rows), dtype=np.int32)
        sums.add(ids, (end - rows).astype(np.float32), count.astype(np.float32))
    return sums.merged(Basis.of(curvature()), learning_rate=RATE, slope=SLOPE)


@pytest.mark.parametrize("trainers", [2, 7, 64])
def test_equal_trainers_merge_to_what_one_trainer_would_have_reached(trainers: int) -> None:
    rng = np.random.default_rng(trainers)
    rows, optima = rng.normal(size=(2, 3, DIMENSION))
    total = np.array([10.0, 300.0, 20_000.0])
    per_trainer = total / trainers
    ends = [
        np.stack([relaxed(*pair) for pair in zip(rows, optima, per_trainer, strict=True)])
    ] * trainers
    expected = np.stack([relaxed(*pair) for pair in zip(rows, optima, total, strict=True)])
    found = merged(rows, ends, [per_trainer] * trainers)
    assert found == pytest.approx(expected, abs=2e-5)
    # neither of the usual rules comes near in every row
    moves = np.sum([end - rows for end in ends], axis=0)
    for rule in (moves, moves / trainers):
        assert np.abs(rows + rule - expected).max() > 0.1


def test_unequal_trainers_merge_nearer_to_one_trainer_than_their_mean_or_sum() -> None:
    rng = np.random.default_rng(3)
    rows, optima = rng.normal(size=(2, 50, DIMENSION))
    touches = rng.gamma(4, 70, (8, 50))  # slices of a shuffled corpus differ less than this
    ends = [
        np.stack([relaxed(*each) for each in zip(rows, optima, own, strict=True)])
        for own in touches
    ]
    total = touches.sum(axis=0)
    expected = np.stack([relaxed(*each) for each in zip(rows, optima, total, strict=True)])
    moves = np.sum([end - rows for end in ends], axis=0)
    error = np.abs(merged(rows, ends, list(touches)) - expected).mean()
    assert error < 0.25 * np.abs(rows + moves / 8 - expected).mean()
    assert error < 0.25 * np.abs(rows + moves - expected).mean()


def test_a_row_that_one_trainer_touched_is_that_trainers() -> None:
    rows = np.ones((2, DIMENSION))
    moved = np.array([[0.5] * DIMENSION, [0.0] * DIMENSION])
    alone = merged(rows, [rows + moved], [np.array([1e6, 0.0])])
    assert alone == pytest.approx(rows + moved, abs=1e-6)


def test_the_share_goes_from_the_sum_to_the_mean_without_a_jump() -> None:
    stiffness = np.geomspace(1e-12, 1e6, 4000)
    for trainers in (1.0, 2.0, 64.0, 1e4):
        share = relaxation_share(stiffness, np.array(trainers))
        assert share[0] == pytest.approx(1, rel=1e-9)
        assert share[-1] == pytest.approx(1 / trainers, rel=1e-9)
        assert np.all(np.diff(share) <= 1e-9)
        assert np.all(np.abs(np.diff(share)) < 0.02)
    assert relaxation_share(np.zeros(1), np.array(8.0)) == 1


def test_a_wild_row_moves_no_further_than_its_length_and_four_deltas() -> None:
    rows, far = np.full((1, DIMENSION), 0.1), np.full((1, DIMENSION), 3.0)
    flat = Basis(np.zeros(DIMENSION), EYE)
    sums = RowSums(rows.astype(np.float32))
    for _ in range(64):
        sums.add(np.array([0], np.int32), far.astype(np.float32), np.ones(1, np.float32))
    move = np.linalg.norm(sums.merged(flat, learning_rate=RATE, slope=SLOPE) - rows)
    assert move == pytest.approx(np.linalg.norm(rows) + 4 * np.linalg.norm(far), rel=1e-5)


def test_the_stretch_restores_the_balance_and_keeps_every_score() -> None:
    rng = np.random.default_rng(1)
    inputs, outputs = (rng.normal(size=(2, 40, DIMENSION)) * [[[1.4]], [[0.7]]]).astype(np.float32)
    moments = Moments(DIMENSION)
    moments.add(0, inputs, outputs)
    axes = np.linalg.eigh(moments.sums[0] + moments.sums[1])[1][:, -2:].T
    energies = [((side @ axes.T) ** 2).sum(axis=0) for side in (inputs, outputs)]
    wanted = energies[0] - energies[1] - np.array([20.0, 5.0])
    stretch = Stretch(axes, balancing_scale(wanted, *energies))
    scores = inputs @ outputs.T
    stretch.apply(inputs, outputs)
    assert inputs @ outputs.T == pytest.approx(scores, abs=1e-4)
    after = [((side @ axes.T) ** 2).sum(axis=0) for side in (inputs, outputs)]
    assert after[0] - after[1] == pytest.approx(wanted, rel=1e-4)
    left, right = stretch.matrix(is_input=True), stretch.matrix(is_input=False)
    assert left @ right == pytest.approx(EYE, abs=1e-12)


def test_a_balance_that_every_trainer_wears_off_is_worn_off_and_not_turned_over() -> None:
    balance, energy = np.array([50.0, 50.0, 0.0, 2.0]), np.full(4, 200.0)
    changes = np.tile([-40.0, -0.01, 0.3, 30.0], (8, 1))
    found = continued_balance(balance, changes, energy)
    assert found == pytest.approx([50 * 0.2**8, 50 - 0.08, 2.4, 2 + 20], rel=1e-4)
