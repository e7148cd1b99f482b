"""The training pairs of each bucket of users: what ids and the core follow from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.interactions.blocked.weighing import read_weighed
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.keys import CODES
from pipelines.interactions.packed.pairing import Pairs, pair
from pipelines.interactions.packed.weighed import Events
from pipelines.storage.task_files.buckets import BucketFile

TRAINING = pa.schema([("user", CODES), ("item", CODES), ("count", pa.int64())])
"""Columns of training pairs."""


@dataclass(frozen=True)
class Split:
    """Where the global time split cuts.

    Args:
        train_end: Last time of training, microseconds since 1970.
        valid_end: Last time of validation.
        has_time: Whether events have times.
    """

    train_end: int
    valid_end: int
    has_time: bool


@dataclass(frozen=True)
class Counted:
    """Training pairs that a task has written.

    Args:
        file: Their file; empty where there are none.
        pairs: Their number.
        size: Bytes of the pairs in memory, their keys among them.
    """

    file: str
    pairs: int
    size: int


@dataclass(frozen=True)
class BucketPairing:
    """Writes the training pairs of a bucket of users; it is sent to tasks.

    Args:
        weighed: Files of weighed events, dealt.
        split: The cuts.
        settings: Of pairs.
        folder: Where tasks write.
    """

    weighed: Sequence[str]
    split: Split
    settings: InteractionSettings
    folder: str

    def __call__(self, bucket: int) -> Counted:
        """Write the pairs of a bucket."""
        events, pairs = self.pairs(bucket)
        train = np.flatnonzero(pairs.in_training)
        sides = ((events.users, pairs.users), (events.items, pairs.items))
        users, items = (
            pa.DictionaryArray.from_arrays(pa.array(codes[train].astype(np.int32)), keys.names)
            for keys, codes in sides
        )
        rows = pa.table([users, items, pairs.counts[train]], schema=TRAINING)
        file = BucketFile(f"{self.folder}/pairs")
        file.add(rows, np.zeros(len(train), np.uint16))
        return Counted(file.close(), len(train), rows.nbytes)

    def pairs(self, bucket: int) -> tuple[Events, Pairs]:
        """Return the events of a bucket and all their pairs."""
        split = self.split
        events = read_weighed(self.weighed, bucket, has_time=split.has_time)
        parts = events.parts(split.train_end, split.valid_end)
        return events, pair(events, parts, split.train_end, self.settings)
