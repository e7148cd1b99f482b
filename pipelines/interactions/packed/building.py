"""The task that builds interactions, sessions and ids from files of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.interactions.building import require_no_times
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.k_core import core_of_codes, nothing_left
from pipelines.interactions.packed.cutting import in_time_order, session_rows
from pipelines.interactions.packed.keys import read_table
from pipelines.interactions.packed.numbering import KNOWN, Numbered, number
from pipelines.interactions.packed.pairing import Pairs, pair
from pipelines.interactions.packed.weighed import TRAIN, Events, cut_times, read_events, weigh
from pipelines.interactions.packed.writing import write_tables
from pipelines.interactions.pairs import SPLITS
from pipelines.interactions.weighing import EventsSurvey
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS

_MOMENT = pa.timestamp("us", tz="UTC")


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
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    kept: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    too_short: int = 0


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
        numbered = self._number(events, pairs, threads)
        found = Built(survey, versions={name: each.version for name, each in numbered.items()})
        users, items = (numbered[table.name].ids for table in (USER_IDS, ITEM_IDS))
        rows = {name: each.table for name, each in numbered.items()}
        rows[INTERACTIONS.name] = _interactions(
            pairs, users, items, found, has_time=events.has_time
        )
        is_cut = (parts == TRAIN) & (users[events.users.codes] >= 0)
        is_cut &= (items[events.items.codes] >= 0) & events.has_time
        order = in_time_order(events, np.flatnonzero(is_cut), self.files, threads)
        of_users = events.users.codes[order].astype(np.int64)
        rows[SESSIONS.name], found.too_short = session_rows(
            events.users.names,
            of_users,
            items[events.items.codes[order]],
            self.settings,
            events.micros[order],
        )
        found.pieces = write_tables(rows, self.writers, threads)
        return found

    def _weighed(self, threads: int) -> tuple[Events, EventsSurvey]:
        table = read_events(self.files, self.settings, threads)
        events, survey = weigh(table, self.settings, needs_time=True)
        if survey.kept == 0 and "has_time" in survey.rejected:
            require_no_times(self.settings)
            events, survey = weigh(table, self.settings, needs_time=False)
        survey.require_events()
        return events, survey

    def _number(self, events: Events, pairs: Pairs, threads: int) -> dict[str, Numbered]:
        """Number the users and items of the core."""
        train = np.flatnonzero(pairs.in_training)
        settings = self.settings
        least = settings.min_user_interactions, settings.min_item_interactions
        core = train[core_of_codes(pairs.users[train], pairs.items[train], *least)]
        if not core.size:
            raise nothing_left(*least)
        sides = (
            (USER_IDS.name, events.users, pairs.users),
            (ITEM_IDS.name, events.items, pairs.items),
        )
        numbered = {}
        for name, keys, codes in sides:
            counts = np.bincount(codes[core], pairs.counts[core], len(keys)).astype(np.int64)
            files = self.known.get(name)
            known = read_table(files, KNOWN, threads) if files else None
            numbered[name] = number(keys.names, counts, known)
        return numbered


def _interactions(
    pairs: Pairs,
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    found: Built,
    *,
    has_time: bool,
) -> pa.Table:
    """Return rows of `interactions` in the order of ids, and note what is left out."""
    train = pairs.in_training
    user_ids, item_ids = users[pairs.users], items[pairs.items]
    is_kept = (user_ids >= 0) & (item_ids >= 0)
    is_known = _occur(pairs.users, train, len(users)) & _occur(pairs.items, train, len(items))
    found.kept = int(pairs.counts[is_kept].sum())
    events = pairs.counts + pairs.later_counts
    told = {
        "k_core": int(events[~is_kept & is_known].sum()),
        "not_in_train": int(events[~is_kept & ~is_known].sum()),
        "repeated_pair": int(pairs.later_counts[is_kept].sum()),
    }
    found.left_out = {reason: count for reason, count in told.items() if count}
    kept = np.flatnonzero(is_kept)
    kept = kept[np.argsort(user_ids[kept].astype(np.int64) * len(items) + item_ids[kept])]
    parts = pa.DictionaryArray.from_arrays(pa.array(pairs.parts[kept].astype(np.int8)), SPLITS)
    times = {"first_time": pairs.first[kept], "last_time": pairs.last[kept]}
    return pa.table(
        {
            "user_id": user_ids[kept],
            "item_id": item_ids[kept],
            "weight": pairs.weights[kept],
            "count": pairs.counts[kept],
            **{name: _moments(micros, has_time=has_time) for name, micros in times.items()},
            "split": parts,
        }
    )


def _occur(codes: NDArray[np.int64], chosen: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Tell of each row whether its key occurs in a chosen row."""
    occurs = np.zeros(count, bool)
    occurs[codes[chosen]] = True
    return np.asarray(occurs[codes])


def _moments(micros: NDArray[np.int64], *, has_time: bool) -> pa.Array:
    found = pa.array(micros).cast(_MOMENT)
    return found if has_time else pa.nulls(len(micros), _MOMENT)
