"""Training events to sessions, as `interactions.sessions` cuts them."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.labelling import Labels
from pipelines.interactions.packed.weighed import TRAIN, Events

_SECOND = 1_000_000  # microseconds
_DIGITS = 6  # of a session's number

Numbers = NDArray[np.int64]


def in_time_order(
    events: Events, chosen: Numbers, read_ids: Callable[[], pa.ChunkedArray]
) -> Numbers:
    """Return chosen events in the order of (user, time, event_id).

    Args:
        events: Events.
        chosen: Some of their rows.
        read_ids: Returns the ids of the table that `events.rows` counts; it is called only where
            two events of a user have one time.
    """
    import polars as pl  # in the task: after the worker has forked

    users, micros = events.users.codes[chosen], events.micros[chosen]
    frame = pl.DataFrame({"user": users, "micros": micros})
    order = frame.select(pl.arg_sort_by("user", "micros")).to_series().to_numpy()
    same = (np.diff(users[order]) == 0) & (np.diff(micros[order]) == 0)
    if not same.any():
        return np.asarray(chosen[order])
    is_tied = np.append(same, False) | np.append(False, same)
    tied = np.flatnonzero(is_tied)
    rows = order[tied]
    names = pl.Series("id", pl.from_arrow(read_ids())).gather(events.rows[chosen[rows]])
    ties = pl.DataFrame({"user": users[rows], "micros": micros[rows], "id": names})
    by_id = ties.select(pl.arg_sort_by("user", "micros", "id")).to_series().to_numpy()
    order = order.copy()
    order[tied] = rows[by_id]
    return np.asarray(chosen[order])


def training_sessions(
    events: Events,
    parts: Numbers,
    users: Labels,
    items: Labels,
    settings: InteractionSettings,
    read_ids: Callable[[], pa.ChunkedArray],
) -> tuple[pa.Table, int]:
    """Cut the training events of users and items with ids into sessions; see `session_rows`."""
    is_cut = (parts == TRAIN) & (users.ids[events.users.codes] >= 0)
    is_cut &= (items.ids[events.items.codes] >= 0) & events.has_time
    order = in_time_order(events, np.flatnonzero(is_cut), read_ids)
    of_users = events.users.codes[order].astype(np.int64)
    of_items = items.ids[events.items.codes[order]]
    return session_rows(events.users.names, of_users, of_items, settings, events.micros[order])


def cut_sessions(
    users: Numbers, micros: Numbers, settings: InteractionSettings
) -> tuple[Numbers, Numbers, Numbers]:
    """Cut events, in the order of (user, time), into sessions.

    Returns:
        Of each session the place of its first event, its number of events, and its number among
        the user's sessions.
    """
    count = len(users)
    places = np.arange(count)
    is_user = np.diff(users, prepend=-1) != 0
    is_first = is_user.copy()
    is_first[1:] |= np.diff(micros) > round(settings.session_gap_seconds * _SECOND)
    since = places - np.maximum.accumulate(np.where(is_first, places, 0))
    begins = np.flatnonzero(since % settings.max_session_length == 0)
    lengths = np.diff(begins, append=count)
    order = np.arange(len(begins))
    of_user = np.maximum.accumulate(np.where(is_user[begins], order, 0))
    return begins, lengths, order - of_user


def session_rows(
    names: pa.Array,
    users: Numbers,
    items: NDArray[np.int32],
    settings: InteractionSettings,
    micros: Numbers,
) -> tuple[pa.Table, int]:
    """Return rows of `sessions`, and the number of sessions that are too short.

    Args:
        names: Keys of users by code.
        users: Codes of users of events, in the order of (user, time).
        items: Ids of items.
        settings: Of sessions.
        micros: Times of the events.
    """
    begins, lengths, numbers = cut_sessions(users, micros, settings)
    is_long = lengths >= settings.min_session_length
    inside = np.repeat(is_long, lengths)
    owners = names.take(pa.array(users[begins[is_long]]))
    digits = pc.utf8_lpad(pa.array(numbers[is_long]).cast(pa.string()), _DIGITS, "0")
    offsets = np.append(0, np.cumsum(lengths[is_long])).astype(np.int32)
    columns = {
        "sentence_id": pc.binary_join_element_wise(owners, digits, ":"),
        "doc_id": owners,
        "token_ids": pa.ListArray.from_arrays(pa.array(offsets), pa.array(items[inside])),
    }
    return pa.table(columns), int((~is_long).sum())
