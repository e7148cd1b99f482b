"""Weighed events to pairs of user and item, as `interactions.pairs` says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.weighed import TRAIN, Events

_DAY = 86_400_000_000  # microseconds
_FRACTION = 1 << 40  # units of a fraction: integers add up in any order
_PARTS = 3

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Pairs in the order of users and items, each of the part in which it first occurs.

    Args:
        users: Codes of users.
        items: Codes of items.
        parts: Part of the time split.
        weights: Sums of weights after decay and cap.
        counts: Events of that part.
        later_counts: Events of later parts.
        first: Time of the first event, microseconds since 1970.
        last: Time of the last event of that part.
    """

    users: Numbers
    items: Numbers
    parts: Numbers
    weights: NDArray[np.float32]
    counts: Numbers
    later_counts: Numbers
    first: Numbers
    last: Numbers

    @property
    def in_training(self) -> Flags:
        """Tell which pairs first occur in training."""
        found: Flags = self.parts == TRAIN
        return found


def pair(events: Events, parts: Numbers, train_end: int, settings: InteractionSettings) -> Pairs:
    """Aggregate events to pairs."""
    items = len(events.items)
    keys = (events.users.codes.astype(np.int64) * items + events.items.codes) * _PARTS + parts
    weights = _decayed(events, train_end, settings.half_life_days)
    found = _aggregated(keys, weights, events.micros)
    pairs, part = np.divmod(found["key"], _PARTS)
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = found["count"]
    total = found["whole"] + found["fraction"] / _FRACTION
    if settings.max_weight is not None:
        total = np.minimum(total, settings.max_weight)
    users, chosen = np.divmod(pairs[begins], max(items, 1))
    return Pairs(
        users=users,
        items=chosen,
        parts=part[begins],
        weights=np.maximum(total[begins], 1 / _FRACTION).astype(np.float32),
        counts=counts[begins],
        later_counts=np.add.reduceat(counts, begins) - counts[begins] if begins.size else counts,
        first=found["first"][begins],
        last=found["last"][begins],
    )


def _decayed(events: Events, train_end: int, half_life_days: float | None) -> NDArray[np.float64]:
    if half_life_days is None:
        return events.weights
    age = np.maximum(train_end - events.micros, 0) / (_DAY * half_life_days)
    return events.weights * np.power(0.5, age)


def _aggregated(keys: Numbers, weights: NDArray[np.float64], micros: Numbers) -> dict[str, Numbers]:
    """Return the sums of each key, in the order of keys."""
    import polars as pl  # in the task: after the worker has forked

    whole = np.floor(weights)
    columns = {"key": keys, "whole": whole.astype(np.int64), "micros": micros}
    columns["fraction"] = np.rint((weights - whole) * _FRACTION).astype(np.int64)
    found = (
        pl.DataFrame(columns)
        .group_by("key")
        .agg(
            pl.col("whole").sum(),
            pl.col("fraction").sum(),
            pl.len().cast(pl.Int64).alias("count"),
            pl.col("micros").min().alias("first"),
            pl.col("micros").max().alias("last"),
        )
        .sort("key")
    )
    return {name: found[name].to_numpy() for name in found.columns}
