"""The task that builds interactions, sessions and ids from files of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from pipelines.interactions.building import require_no_times
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.cutting import training_sessions
from pipelines.interactions.packed.keys import Keys, read_table
from pipelines.interactions.packed.labelling import Labels, label, occurring
from pipelines.interactions.packed.numbering import number_core
from pipelines.interactions.packed.pairing import pair
from pipelines.interactions.packed.weighed import Events, cut_times, read_events, weigh
from pipelines.interactions.packed.writing import write_tables
from pipelines.interactions.weighing import EventsSurvey
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS

_IDS = pa.schema([("event_id", pa.string())])


@dataclass
class Built:
    """What the task tells the driver.

    Args:
        survey: Of the weighed events.
        pieces: Files by table.
        kept: Events in kept pairs.
        left_out: Other events with a weight, by reason.
        versions: Versions of the ids in use, by table.
        too_short: Sessions that are too short.
    """

    survey: EventsSurvey
    pieces: dict[str, list[Piece]]
    kept: int
    left_out: dict[str, int]
    versions: dict[str, str]
    too_short: int


@dataclass(frozen=True)
class PackedBuilding:
    """Builds all tables; it is sent to a task.

    Args:
        files: Parquet files of `events`.
        known: Parquet files of the ids of an earlier run, by table.
        writers: Writers of the tables, by table.
        settings: Settings.
    """

    files: Sequence[str]
    known: Mapping[str, Sequence[str]]
    writers: Mapping[str, PieceWriter]
    settings: InteractionSettings

    def __call__(self, threads: int) -> Built:
        """Build and write the tables.

        Raises:
            InputError: No event has a weight.
            GateError: The core is empty.
        """
        events, survey = self._weighed(threads)
        train_end, valid_end = cut_times(events, self.settings)
        parts = events.parts(train_end, valid_end)
        pairs = pair(events, parts, train_end, self.settings)
        train = np.flatnonzero(pairs.in_training)
        codes = {USER_IDS.name: pairs.users[train], ITEM_IDS.name: pairs.items[train]}
        names = {USER_IDS.name: events.users.names, ITEM_IDS.name: events.items.names}
        of_users, of_items = (Keys(codes[n].astype(np.int32), names[n]) for n in codes)
        numbered = number_core(
            of_users, of_items, pairs.counts[train], self.known, self.settings, threads
        )
        users, items = (
            Labels(numbered[name].ids, occurring(codes[name], len(names[name]))) for name in codes
        )
        labelled = label(pairs, users, items, has_time=events.has_time)
        read_ids = partial(self._read_ids, threads)
        sessions, short = training_sessions(events, parts, users, items, self.settings, read_ids)
        rows = {name: each.table for name, each in numbered.items()}
        rows |= {INTERACTIONS.name: labelled.rows, SESSIONS.name: sessions}
        return Built(
            survey=survey,
            pieces=write_tables(rows, self.writers, threads),
            kept=labelled.kept,
            left_out=labelled.left_out,
            versions={name: each.version for name, each in numbered.items()},
            too_short=short,
        )

    def _read_ids(self, threads: int) -> pa.ChunkedArray:
        return read_table(self.files, _IDS, threads)["event_id"]

    def _weighed(self, threads: int) -> tuple[Events, EventsSurvey]:
        table = read_events(self.files, self.settings, threads)
        events, survey = weigh(table, self.settings, needs_time=True)
        if survey.kept == 0 and "has_time" in survey.rejected:
            require_no_times(self.settings)
            events, survey = weigh(table, self.settings, needs_time=False)
        survey.require_events()
        return events, survey
