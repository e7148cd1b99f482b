"""Which shards are trained when: passes in seeded orders, cut into Spark jobs of some seconds."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Segment:
    """Consecutive shards of one pass, with the learning rate from their first to their last token.

    Args:
        epoch: Pass over the sentences, from 0.
        shards: Shard numbers in the order of training.
        first_rate: Learning rate at the first token.
        last_rate: Learning rate at the last token.
    """

    epoch: int
    shards: tuple[int, ...]
    first_rate: float
    last_rate: float


def plan_rounds(
    *, shards: int, epochs: int, shards_per_round: int, step_size: float, min_step_size: float,
    seed: int,
) -> list[list[Segment]]:  # fmt: skip
    """Return the segments of each round; the learning rate falls in a straight line over all."""
    total, done = shards * epochs, 0
    rounds: list[list[Segment]] = [[]]
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(shards)
        start = 0
        while start < shards:
            room = shards_per_round - sum(len(s.shards) for s in rounds[-1])
            if room <= 0:
                rounds.append([])
                continue
            part = order[start : start + room]
            first, last = (
                step_size + (min_step_size - step_size) * n / total
                for n in (done, done + part.size)
            )
            start, done = start + part.size, done + part.size
            rounds[-1].append(Segment(epoch, tuple(int(n) for n in part), first, last))
    return rounds
