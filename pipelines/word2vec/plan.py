"""Which sentences each round trains: epochs take the shards in random orders, cut into rounds."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipelines.word2vec.kernels.arguments import LearningRates

_GROWTH = 32  # of a new model's epoch 0: tokens of its last round / tokens of its first


@dataclass(frozen=True)
class ShardPart:
    """Consecutive sentences of one shard.

    Args:
        shard: Number of the shard.
        start: Share of the shard's tokens before them, 0 to 1.
        stop: Share of the shard's tokens up to their end.
    """

    shard: int
    start: float = 0.0
    stop: float = 1.0


@dataclass(frozen=True)
class Segment:
    """Consecutive shard parts of one epoch.

    Args:
        epoch: Number of the epoch, from 0.
        parts: What is trained, in order; may be none.
        learning_rates: At the first and at the last token.
    """

    epoch: int
    parts: tuple[ShardPart, ...]
    learning_rates: LearningRates


def shard_order(shards: int, *, seed: int, epoch: int) -> tuple[int, ...]:
    """Return the order in which an epoch takes the shards."""
    return tuple(int(n) for n in np.random.default_rng([seed, epoch]).permutation(shards))


def plan_packed(
    *,
    shards: int,
    epochs: int,
    shards_per_round: int,
    learning_rates: LearningRates,
    seed: int,
    is_cut_at_epochs: bool = False,
) -> list[list[Segment]]:
    """Return the segments of each round of mode packed; the learning rate falls linearly.

    Args:
        shards: Shards of the corpus.
        epochs: Passes over them.
        shards_per_round: Shards of a round.
        learning_rates: At the start and at the end of training.
        seed: Seed of the order of shards, which differs between epochs.
        is_cut_at_epochs: Whether a round ends with its epoch, else it goes on with the next one.
    """
    total, rounds = shards * epochs, list[list[Segment]]([[]])
    start_rate, end_rate = learning_rates
    room = shards_per_round
    for epoch in range(epochs):
        order, start = shard_order(shards, seed=seed, epoch=epoch), 0
        while start < shards:
            if room == 0 or (is_cut_at_epochs and start == 0 and rounds[-1]):
                rounds.append([])
                room = shards_per_round
            part = order[start : start + room]
            done = np.array([0, len(part)]) + epoch * shards + start
            rates = LearningRates(*(start_rate + (end_rate - start_rate) * done / total).tolist())
            rounds[-1].append(Segment(epoch, tuple(ShardPart(n) for n in part), rates))
            start, room = start + len(part), room - len(part)
    return rounds


@dataclass(frozen=True)
class Round:
    """A part of one epoch that all trainers train together.

    Args:
        epoch: Number of the epoch, from 0.
        start: Share of the epoch's tokens before the round, 0 to 1.
        stop: Share of the epoch's tokens up to its end.
        learning_rates: At its beginning and end.
    """

    epoch: int
    start: float
    stop: float
    learning_rates: LearningRates


@dataclass(frozen=True)
class Turn(Round):
    """A round of mode rotated: trainer i has input class i and output class i + shift.

    Args:
        shift: Output class less input class, modulo the number of classes.
    """

    shift: int = 0


def plan_rotated(
    *, epochs: int, cycles: int, classes: int, learning_rates: LearningRates, seed: int
) -> list[Turn]:
    """Return the turns of all cycles: a cycle trains its part of an epoch once on every shift.

    The order of shifts differs between cycles. All turns of a cycle have the learning rates of the
    whole cycle, so that a pair's learning rate depends on its place in the epoch alone.
    """
    turns, per_epoch = [], max(1, round(cycles / epochs))
    start_rate, end_rate = learning_rates
    for number in range(epochs * per_epoch):
        epoch, part = divmod(number, per_epoch)
        done = np.array([number, number + 1]) / (epochs * per_epoch)
        rates = LearningRates(*(start_rate + (end_rate - start_rate) * done).tolist())
        order = np.random.default_rng([seed, number]).permutation(classes).tolist()
        share = part / per_epoch, (part + 1) / per_epoch
        turns += [Turn(epoch, *share, rates, shift) for shift in order]
    return turns


def plan_replicated(
    *, epochs: int, rounds: int, learning_rates: LearningRates, is_new: bool
) -> list[Round]:
    """Return rounds, per epoch in proportion to its first learning rate: 24, 16, 8 of 48.

    The error of a merge grows with tokens times learning rate since the last one. In the first
    epoch of a new model, which changes fastest early, tokens per round grow geometrically, 32-fold.
    """
    plan = list[Round]()
    start_rate, end_rate = learning_rates
    for epoch, count in enumerate(_rounds_per_epoch(rounds, epochs)):
        sizes = np.geomspace(1, _GROWTH, count) if epoch == 0 and is_new else np.ones(count)
        cuts = np.r_[0, np.cumsum(sizes) / sizes.sum()]
        cuts[-1] = 1
        rates = start_rate + (end_rate - start_rate) * (epoch + cuts) / epochs
        bounds = zip(pairwise(cuts.tolist()), pairwise(rates.tolist()), strict=True)
        plan += [Round(epoch, *part, LearningRates(*ends)) for part, ends in bounds]
    return plan


def _rounds_per_epoch(rounds: int, epochs: int) -> list[int]:
    weights = np.arange(epochs, 0, -1)
    ends = np.round(np.cumsum(weights) / weights.sum() * rounds).astype(int)
    return [max(1, int(n)) for n in np.diff(ends, prepend=0)]


def trainer_segment(part: Round, *, trainer: int, trainers: int, shards: int, seed: int) -> Segment:
    """Return one trainer's part of a round: an equal share of its tokens, cut across shards."""
    width = (part.stop - part.start) / trainers
    start = (part.start + width * trainer) * shards
    stop = (part.start + width * (trainer + 1)) * shards
    order = shard_order(shards, seed=seed, epoch=part.epoch)
    parts = tuple(
        ShardPart(order[n], max(0.0, start - n), min(1.0, stop - n))
        for n in range(int(start), min(shards, int(np.ceil(stop))))
    )
    return Segment(part.epoch, parts, part.learning_rates)
