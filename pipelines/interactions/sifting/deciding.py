"""What needs all events: ids given twice, duplicates, bots; as `interactions.cleaning` says."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.interactions.config import EventSettings
from pipelines.interactions.packed.keys import Keys

KEPT, REPEATED, DUPLICATE, BOT = range(4)
_SECOND = 1_000_000  # microseconds

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Facts:
    """All records, as far as decisions need them; arrays are of their rows.

    Args:
        ids: Ids of events.
        users: Keys of users.
        items: Keys of items.
        types: Kinds of events.
        values: Values; 0 where there is none.
        has_value: Whether there is one.
        micros: Times, microseconds since 1970; 0 where there is none.
        has_time: Whether there is one.
        sources: Files of the records.
        positions: Their places in them.
        is_sound: Whether a record breaks no rule by itself.
    """

    ids: pa.ChunkedArray
    users: Keys
    items: Keys
    types: Keys
    values: NDArray[np.float64]
    has_value: Flags
    micros: NDArray[np.int64]
    has_time: Flags
    sources: Keys
    positions: NDArray[np.int64]
    is_sound: Flags


@dataclass(frozen=True)
class Decision:
    """Which records are lost to others.

    Args:
        rules: Of each row `KEPT`, `REPEATED`, `DUPLICATE` or `BOT`.
        measured: Seconds since the previous of a duplicate, events of a bot.
    """

    rules: NDArray[np.int8]
    measured: NDArray[np.float64]


def decide(facts: Facts, settings: EventSettings, repeated: NDArray[np.int64]) -> Decision:
    """Decide on duplicates among sound records, then on bots.

    Args:
        facts: All records of some users.
        settings: The window of duplicates and the limit of bots.
        repeated: Rows that are lost already, as their ids are borne by others.
    """
    count = len(facts.positions)
    rules, measured = np.zeros(count, np.int8), np.zeros(count)
    rules[repeated] = REPEATED
    if settings.duplicate_window_seconds is not None:
        rows = np.flatnonzero(facts.is_sound & (rules == KEPT) & facts.has_time)
        lost, since = _duplicates(facts, rows, settings.duplicate_window_seconds)
        rules[lost], measured[lost] = DUPLICATE, since
    if settings.max_events_per_user is not None:
        rows = np.flatnonzero(facts.is_sound & (rules == KEPT))
        users = facts.users.codes[rows]
        counts = np.bincount(users, minlength=1)[users]
        is_bot = counts > settings.max_events_per_user
        rules[rows[is_bot]], measured[rows[is_bot]] = BOT, counts[is_bot]
    return Decision(rules, measured)


def repeated_ids(
    ids: pa.ChunkedArray, is_sound: Flags, sources: NDArray[np.int32], positions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows whose id an earlier one bears; sound ones come first.

    Args:
        ids: Ids of records.
        is_sound: Whether a record breaks no rule by itself.
        sources: Numbers of the records' files, in the order of their names.
        positions: Places in the files.
    """
    import polars as pl  # in the task: after the worker has forked

    named = pl.Series("id", pl.from_arrow(ids))
    rows = np.flatnonzero(named.is_duplicated().to_numpy())
    some = pl.DataFrame({"id": named.gather(rows), "is_lost": ~is_sound[rows]})
    some = some.with_columns(
        pl.Series("source", sources[rows]), pl.Series("position", positions[rows])
    )
    order = some.select(pl.arg_sort_by("id", "is_lost", "source", "position")).to_series()
    chosen = some["id"].gather(order)
    is_same = (chosen == chosen.shift(1)).fill_null(False).to_numpy()
    return np.asarray(rows[order.to_numpy()[is_same]])


def _duplicates(
    facts: Facts, rows: NDArray[np.int64], window: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows that repeat the previous one of their kind, and the seconds since it."""
    import polars as pl  # in the task: after the worker has forked

    kind = {
        "user": facts.users.codes[rows],
        "item": facts.items.codes[rows],
        "type": facts.types.codes[rows],
        "value": facts.values[rows] + 0.0,  # -0.0 is 0.0
        "has_value": facts.has_value[rows],
    }
    frame = pl.DataFrame(kind | {"micros": facts.micros[rows]})
    same = list(kind) if window else [*kind, "micros"]
    # equal rows have equal hashes; the few others are parted below
    some = np.flatnonzero(frame.select(same).hash_rows().is_duplicated().to_numpy())
    chosen = rows[some]
    few = frame[some].with_columns(
        pl.Series("source", facts.sources.codes[chosen]),
        pl.Series("position", facts.positions[chosen]),
    )
    order = few.select(pl.arg_sort_by(*few.columns)).to_series()
    few = few[order]
    is_same = np.ones(max(len(few) - 1, 0), bool)
    for name in kind:
        column = few[name].to_numpy()
        is_same &= column[1:] == column[:-1]
    since = np.diff(few["micros"].to_numpy()) / _SECOND
    is_lost = is_same & (since <= window)
    return chosen[order.to_numpy()[1:][is_lost]], since[is_lost]
