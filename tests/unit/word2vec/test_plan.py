"""Plans of training: every sentence once a pass, at a rate that falls in a straight line."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.word2vec.kernels.arguments import LearningRates
from pipelines.word2vec.plan import plan_packed, plan_replicated, plan_rotated, trainer_segment

RATES = {"learning_rates": LearningRates(0.1, 0.01)}


@pytest.mark.parametrize("is_cut", [False, True])
def test_packed_rounds_train_each_shard_once_a_pass_in_fresh_orders(is_cut: bool) -> None:
    rounds = plan_packed(
        shards=7, epochs=3, shards_per_round=4, seed=1, is_cut_at_epochs=is_cut, **RATES
    )
    assert len(rounds) == (6 if is_cut else 6 - 6 * 4 // 24 + 1)
    assert all(sum(len(s.parts) for s in segments) <= 4 for segments in rounds)
    segments = [s for segments in rounds for s in segments]
    passes = [[p.shard for s in segments if s.epoch == e for p in s.parts] for e in range(3)]
    assert all(sorted(order) == list(range(7)) for order in passes)
    assert len({tuple(order) for order in passes}) == 3
    assert all(a.learning_rates.last == b.learning_rates.first for a, b in pairwise(segments))
    assert segments[0].learning_rates.first == pytest.approx(0.1)
    assert segments[-1].learning_rates.last == pytest.approx(0.01)


def test_turns_train_every_part_of_a_pass_once_on_every_shift() -> None:
    turns = plan_rotated(epochs=2, cycles=4, classes=3, seed=1, **RATES)
    rounds = [turns[n : n + 3] for n in range(0, 12, 3)]
    assert [sorted(turn.shift for turn in each) for each in rounds] == [[0, 1, 2]] * 4
    assert len({tuple(turn.shift for turn in each) for each in rounds}) > 1
    assert all(len({(t.start, t.stop, t.learning_rates) for t in each}) == 1 for each in rounds)
    starts = [(each[0].epoch, each[0].start, each[0].stop) for each in rounds]
    assert starts == [(0, 0, 0.5), (0, 0.5, 1), (1, 0, 0.5), (1, 0.5, 1)]
    assert all(a[0].learning_rates.last == b[0].learning_rates.first for a, b in pairwise(rounds))
    assert turns[0].learning_rates.first == pytest.approx(0.1)
    assert turns[-1].learning_rates.last == pytest.approx(0.01)


def test_rounds_follow_the_learning_rate_and_grow_while_a_model_is_new() -> None:
    plan = plan_replicated(epochs=3, rounds=48, is_new=True, **RATES)
    assert [sum(r.epoch == e for r in plan) for e in range(3)] == [24, 16, 8]
    sizes = [r.stop - r.start for r in plan if r.epoch == 0]
    assert sizes[-1] / sizes[0] == pytest.approx(32)
    rates = [part.learning_rates for part in plan]
    assert all(a.last == pytest.approx(b.first) for a, b in pairwise(rates))
    warm = plan_replicated(epochs=3, rounds=48, is_new=False, **RATES)
    assert np.ptp([r.stop - r.start for r in warm if r.epoch == 0]) < 1e-9


@given(
    shards=st.integers(1, 9),
    trainers=st.integers(1, 9),
    rounds=st.integers(1, 12),
    epochs=st.integers(1, 4),
)
def test_trainers_share_a_pass_without_gap_or_overlap(
    shards: int, trainers: int, rounds: int, epochs: int
) -> None:
    plan = plan_replicated(epochs=epochs, rounds=rounds, is_new=True, **RATES)
    for epoch in range(epochs):
        runs: dict[int, list[tuple[float, float]]] = {n: [] for n in range(shards)}
        for part in (r for r in plan if r.epoch == epoch):
            for trainer in range(trainers):
                segment = trainer_segment(
                    part, trainer=trainer, trainers=trainers, shards=shards, seed=5
                )
                for piece in segment.parts:
                    runs[piece.shard].append((piece.start, piece.stop))
        for own in runs.values():
            edges = [0.0, *[x for run in sorted(own) for x in run], 1.0]
            assert edges[0::2] == pytest.approx(edges[1::2], abs=1e-9)
