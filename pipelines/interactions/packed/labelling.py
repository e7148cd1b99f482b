"""Pairs to rows of `interactions`, and the events that no row stands for by reason."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.interactions.packed.pairing import Pairs
from pipelines.interactions.pairs import SPLITS

_MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Labels:
    """Ids of keys by their codes.

    Args:
        ids: Id of each key, -1 where it is not kept.
        in_training: Whether it occurs in training.
    """

    ids: NDArray[np.int32]
    in_training: NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Rows of `interactions`, and how many events they stand for.

    Args:
        rows: In the order of ids.
        kept: Events in kept pairs.
        left_out: Other events, by reason.
    """

    rows: pa.Table
    kept: int
    left_out: dict[str, int]


def occurring(codes: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Tell of each of the codes below `count` whether it occurs."""
    occurs = np.zeros(count, bool)
    occurs[codes] = True
    return occurs


def label(pairs: Pairs, users: Labels, items: Labels, *, has_time: bool) -> Labelled:
    """Give pairs their ids; those that lack one are left out, as `pairs.label_pairs` says."""
    user_ids, item_ids = users.ids[pairs.users], items.ids[pairs.items]
    is_kept = (user_ids >= 0) & (item_ids >= 0)
    is_known = users.in_training[pairs.users] & items.in_training[pairs.items]
    events = pairs.counts + pairs.later_counts
    told = {
        "k_core": int(events[~is_kept & is_known].sum()),
        "not_in_train": int(events[~is_kept & ~is_known].sum()),
        "repeated_pair": int(pairs.later_counts[is_kept].sum()),
    }
    kept = np.flatnonzero(is_kept)
    stride = int(items.ids.max(initial=0)) + 1
    kept = kept[np.argsort(user_ids[kept].astype(np.int64) * stride + item_ids[kept])]
    parts = pa.DictionaryArray.from_arrays(pa.array(pairs.parts[kept].astype(np.int8)), SPLITS)
    times = {"first_time": pairs.first[kept], "last_time": pairs.last[kept]}
    columns = {
        "user_id": user_ids[kept],
        "item_id": item_ids[kept],
        "weight": pairs.weights[kept],
        "count": pairs.counts[kept],
        **{name: _moments(micros, has_time=has_time) for name, micros in times.items()},
        "split": parts,
    }
    left_out = {reason: count for reason, count in told.items() if count}
    return Labelled(pa.table(columns), int(pairs.counts[is_kept].sum()), left_out)


def _moments(micros: NDArray[np.int64], *, has_time: bool) -> pa.Array:
    found = pa.array(micros).cast(_MOMENT)
    return found if has_time else pa.nulls(len(micros), _MOMENT)
