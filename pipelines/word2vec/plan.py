"""Which sentences are trained when: passes over the shards in seeded orders, cut into rounds."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_RAMP = 32  # last round of the first epoch / its first, in tokens: vectors grow fastest at first


@dataclass(frozen=True)
class ShardPart:
    """A run of one shard's sentences.

    Args:
        shard: Number of the shard.
        start: Share of the shard's tokens at which the run begins, 0 to 1.
        stop: Share at which it ends.
    """

    shard: int
    start: float = 0.0
    stop: float = 1.0


@dataclass(frozen=True)
class Segment:
    """Consecutive pieces of one pass, with the learning rate from their first to their last token.

    Args:
        epoch: Pass over the sentences, from 0.
        pieces: What is trained, in order; may be none.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token.
    """

    epoch: int
    pieces: tuple[ShardPart, ...]
    first_rate: float
    last_rate: float


def shard_order(shards: int, *, seed: int, epoch: int) -> tuple[int, ...]:
    """Return the order in which a pass takes the shards."""
    return tuple(int(n) for n in np.random.default_rng([seed, epoch]).permutation(shards))


def plan_packed(
    *, shards: int, epochs: int, shards_per_round: int, step_size: float, min_step_size: float,
    seed: int, is_cut_at_epochs: bool = False,
) -> list[list[Segment]]:  # fmt: skip
    """Return the segments of each round of one trainer; the learning rate falls in a straight line.

    Rounds go on over the ends of epochs, unless they are to be cut there.
    """
    total, rounds = shards * epochs, list[list[Segment]]([[]])
    room = shards_per_round
    for epoch in range(epochs):
        order, start = shard_order(shards, seed=seed, epoch=epoch), 0
        while start < shards:
            if room == 0 or (is_cut_at_epochs and start == 0 and rounds[-1]):
                rounds.append([])
                room = shards_per_round
            part = order[start : start + room]
            done = np.array([0, len(part)]) + epoch * shards + start
            first, last = (step_size + (min_step_size - step_size) * done / total).tolist()
            rounds[-1].append(Segment(epoch, tuple(ShardPart(n) for n in part), first, last))
            start, room = start + len(part), room - len(part)
    return rounds


@dataclass(frozen=True)
class Round:
    """A part of one pass that trainers share between them.

    Args:
        epoch: Pass over the sentences, from 0.
        start: Share of the pass at which the round begins, 0 to 1.
        stop: Share at which it ends.
        first_rate: Learning rate at its beginning.
        last_rate: Learning rate at its end.
    """

    epoch: int
    start: float
    stop: float
    first_rate: float
    last_rate: float

    @property
    def middle_rate(self) -> float:
        """Return the learning rate that a merge reckons with."""
        return (self.first_rate + self.last_rate) / 2


@dataclass(frozen=True)
class Turn(Round):
    """A part of one pass on the blocks (i, i + shift) of input and output classes.

    Args:
        shift: Output class less input class, modulo the number of classes.
    """

    shift: int = 0


def plan_rotated(
    *, epochs: int, rounds: int, classes: int, step_size: float, min_step_size: float, seed: int
) -> list[Turn]:
    """Return the turns of all rounds: each trains its part of a pass once on every shift.

    Shifts come in a fresh order each round, and each sweeps the learning rates of the whole round,
    so that a pair's rate follows from its place in the pass alone.
    """
    turns, each = [], max(1, round(rounds / epochs))
    for number in range(epochs * each):
        epoch, part = divmod(number, each)
        done = np.array([number, number + 1]) / (epochs * each)
        first, last = (step_size + (min_step_size - step_size) * done).tolist()
        order = np.random.default_rng([seed, number]).permutation(classes).tolist()
        turns += [
            Turn(epoch, part / each, (part + 1) / each, first, last, shift) for shift in order
        ]
    return turns


def plan_replicated(
    *, epochs: int, rounds: int, step_size: float, min_step_size: float, is_new: bool
) -> list[Round]:
    """Return rounds by epoch in proportion to the learning rate at its beginning: 24, 16, 8 of 48.

    What a merge loses grows with what trainers do between merges, which is tokens times learning
    rate. In the first epoch of a new model rounds grow geometrically, 32-fold from first to last.
    """
    found = []
    for epoch, count in enumerate(_rounds_per_epoch(rounds, epochs)):
        sizes = np.geomspace(1, _RAMP, count) if epoch == 0 and is_new else np.ones(count)
        cuts = np.r_[0, np.cumsum(sizes) / sizes.sum()]
        cuts[-1] = 1
        rates = step_size + (min_step_size - step_size) * (epoch + cuts) / epochs
        bounds = zip(pairwise(cuts.tolist()), pairwise(rates.tolist()), strict=True)
        found += [Round(epoch, *part, *rate) for part, rate in bounds]
    return found


def _rounds_per_epoch(rounds: int, epochs: int) -> list[int]:
    weights = np.arange(epochs, 0, -1)
    ends = np.round(np.cumsum(weights) / weights.sum() * rounds).astype(int)
    return [max(1, int(n)) for n in np.diff(ends, prepend=0)]


def trainer_segment(part: Round, *, trainer: int, trainers: int, shards: int, seed: int) -> Segment:
    """Return one trainer's slice of a round: an equal run of the pass, cut across shards."""
    width = (part.stop - part.start) / trainers
    start = (part.start + width * trainer) * shards
    stop = (part.start + width * (trainer + 1)) * shards
    order = shard_order(shards, seed=seed, epoch=part.epoch)
    pieces = tuple(
        ShardPart(order[n], max(0.0, start - n), min(1.0, stop - n))
        for n in range(int(start), min(shards, int(np.ceil(stop))))
    )
    return Segment(part.epoch, pieces, part.first_rate, part.last_rate)
