"""Events as arrays, weighed and split: what `interactions.weighing` does in Spark."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.interactions.config import MOST_WEIGHT, InteractionSettings
from pipelines.interactions.packed.keys import CODES, Keys, keys_of, read_table, values_of
from pipelines.interactions.weighing import EventsSurvey

_MICROS = pa.timestamp("us", tz="UTC")
_REASONS = ("", "has_user", "has_item", "has_time", "has_value", "event_weight")
TRAIN, VALID, TEST = range(3)


@dataclass(frozen=True)
class Events:
    """Events that have a weight; all arrays are of their rows.

    Args:
        users: Keys of users.
        items: Keys of items.
        micros: Times, microseconds since 1970; 0 where no event has a time.
        has_time: Whether events have times: all or none have.
        weights: Weights before decay, in (0, 1e12].
        rows: Places of the events in the table that was read.
    """

    users: Keys
    items: Keys
    micros: NDArray[np.int64]
    has_time: bool
    weights: NDArray[np.float64]
    rows: NDArray[np.int64]

    def parts(self, train_end: int, valid_end: int) -> NDArray[np.int64]:
        """Return the part of the time split of each event: `TRAIN`, `VALID` or `TEST`."""
        if not self.has_time:
            return np.zeros(len(self.micros), np.int64)
        later = (self.micros > train_end).astype(np.int64)
        return later + (self.micros > valid_end)


def read_events(files: Sequence[str], settings: InteractionSettings, threads: int) -> pa.Table:
    """Read the columns of `events` that interactions are made of."""
    return read_table(files, columns_of_events(settings), threads)


def columns_of_events(settings: InteractionSettings) -> pa.Schema:
    """Return the columns of `events` that interactions are made of."""
    fields = [("user", CODES), ("item", CODES), ("event_type", CODES), ("time", _MICROS)]
    if settings.use_value_as_weight:
        fields.append(("value", pa.float64()))
    return pa.schema(fields)


def weigh(
    table: pa.Table, settings: InteractionSettings, *, needs_time: bool
) -> tuple[Events, EventsSurvey]:
    """Weigh events as `weighing.weigh_events` says, and survey them."""
    users, items, types = (keys_of(table[name]) for name in ("user", "item", "event_type"))
    micros, is_timed = values_of(table["time"].cast(pa.int64()))
    listed = settings.event_weights
    by_type = [listed.get(n, settings.unlisted_event_weight) for n in types.names.to_pylist()]
    weights = np.array([*by_type, settings.unlisted_event_weight], np.float64)[types.codes]
    has_value = np.ones(len(weights), bool)
    if settings.use_value_as_weight:
        values, has_value = values_of(table["value"])
        with np.errstate(invalid="ignore", over="ignore"):
            weights = weights * values
    broken = [
        _is_blank(users),
        _is_blank(items),
        ~is_timed & needs_time,
        ~has_value,
        ~((weights > 0) & (weights <= MOST_WEIGHT)),
    ]
    reasons = np.select(broken, np.arange(1, len(_REASONS), dtype=np.int8), np.int8(0))
    rows = np.flatnonzero(reasons == 0)
    kept = Events(
        users=Keys(users.codes[rows], users.names),
        items=Keys(items.codes[rows], items.names),
        micros=micros[rows],
        has_time=bool(rows.size and is_timed[rows[0]]),
        weights=weights[rows],
        rows=rows,
    )
    return kept, _survey(kept, reasons, types, listed)


def _is_blank(keys: Keys) -> NDArray[np.bool_]:
    trimmed = pc.utf8_trim(keys.names, " ")
    return keys.flags(pc.equal(trimmed, ""), null=True)


def _survey(
    kept: Events, reasons: NDArray[np.int8], types: Keys, listed: dict[str, float]
) -> EventsSurvey:
    counts = np.bincount(reasons, minlength=len(_REASONS)).tolist()
    told = {name: count for name, count in zip(_REASONS, counts, strict=True) if name and count}
    seen = set(types.names.take(pa.array(np.unique(types.codes[types.codes >= 0]))).to_pylist())
    times = kept.micros
    return EventsSurvey(
        events=len(reasons),
        kept=counts[0],
        first=int(times.min()) if times.size else 0,
        last=int(times.max()) if times.size else 0,
        rejected=dict(sorted(told.items())),
        unused_types=sorted(set(listed) - seen),
    )


def cut_times(events: Events, settings: InteractionSettings) -> tuple[int, int]:
    """Return the last time of training and of validation, as `weighing.cut_times` does."""
    if not events.has_time:
        return 0, 0
    places = [rank - 1 for rank in cut_ranks(len(events.micros), settings)]
    ordered = np.partition(events.micros, places)
    return int(ordered[places[0]]), int(ordered[places[1]])


def cut_ranks(count: int, settings: InteractionSettings) -> tuple[int, int]:
    """Return the number of the last event of training and of validation, in the order of time."""
    test = Decimal(str(settings.test_share))
    later = Decimal(str(settings.valid_share)) + test
    return count - floor(count * later), count - floor(count * test)
