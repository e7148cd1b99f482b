"""Interactions and sessions of each bucket of users, once ids are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.arrays.chunks import whole
from pipelines.interactions.blocked.numbering import KEYED
from pipelines.interactions.blocked.pairing import BucketPairing
from pipelines.interactions.blocked.weighing import read_ids
from pipelines.interactions.packed.cutting import training_sessions
from pipelines.interactions.packed.labelling import Labels, label
from pipelines.interactions.packed.writing import write_tables
from pipelines.storage.task_files.buckets import read_bucket
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS


@dataclass(frozen=True)
class BucketBuilt:
    """What a task tells the driver.

    Args:
        pieces: Files by table.
        kept: Events in kept pairs.
        left_out: Other events with a weight, by reason.
        too_short: Sessions that are too short.
    """

    pieces: dict[str, list[Piece]]
    kept: int
    left_out: dict[str, int]
    too_short: int


@dataclass(frozen=True)
class BucketBuilding:
    """Writes the interactions and sessions of a bucket of users; it is sent to tasks.

    Args:
        pairing: How the events of a bucket become pairs.
        ids: By table, files of ids as `numbering` writes them.
        writers: Writers of the tables, by table.
    """

    pairing: BucketPairing
    ids: Mapping[str, Sequence[str]]
    writers: Mapping[str, PieceWriter]

    def __call__(self, bucket: int) -> BucketBuilt:
        """Build and write the rows of a bucket."""
        pairing = self.pairing
        events, pairs = pairing.pairs(bucket)
        users = self._labels(USER_IDS.name, bucket, events.users.names)
        items = self._labels(ITEM_IDS.name, 0, events.items.names)
        labelled = label(pairs, users, items, has_time=events.has_time)
        parts = events.parts(pairing.split.train_end, pairing.split.valid_end)
        ids = partial(read_ids, pairing.weighed, bucket)
        sessions, short = training_sessions(events, parts, users, items, pairing.settings, ids)
        rows = {INTERACTIONS.name: labelled.rows, SESSIONS.name: sessions}
        pieces = write_tables(rows, self.writers, 1)
        return BucketBuilt(pieces, labelled.kept, labelled.left_out, short)

    def _labels(self, table: str, bucket: int, names: pa.Array) -> Labels:
        rows = read_bucket(self.ids[table], bucket, KEYED)
        places = pc.index_in(names, whole(rows["key"])).fill_null(-1).to_numpy()
        ids = rows["id"].fill_null(-1).to_numpy()
        return Labels(np.append(ids, np.int32(-1))[places], places >= 0)
