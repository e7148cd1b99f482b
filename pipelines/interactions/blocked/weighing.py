"""Events weighed and dealt into buckets of users."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.interactions.blocked.hashing import buckets_of_keys
from pipelines.interactions.blocked.ranks import Points, points_of
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.packed.keys import CODES, keys_of
from pipelines.interactions.packed.weighed import Events, columns_of_events, weigh
from pipelines.interactions.weighing import EventsSurvey
from pipelines.storage.task_files.buckets import BucketFile, read_bucket
from pipelines.storage.task_files.columns import read_part

_ID = pa.field("event_id", pa.string())
_DEALT = pa.schema(
    [("user", CODES), ("item", CODES), ("micros", pa.int64()), ("weight", pa.float64())]
)

Slice = tuple[str, int, int]
"""A file, the number of a part of its row groups, and the number of its parts."""


@dataclass(frozen=True)
class Weighed:
    """What a task that weighs tells the driver.

    Args:
        file: File of the events that have a weight; empty where there are none.
        survey: Of its events.
        times: Points of their times.
    """

    file: str
    survey: EventsSurvey
    times: Points


@dataclass(frozen=True)
class Weighing:
    """Weighs events and deals those that count by user; it is sent to tasks.

    Args:
        slices: Of each task, what it reads.
        settings: Weights.
        folder: Where tasks write.
        buckets: Number of buckets.
        needs_time: Whether an event without a time is left out.
    """

    slices: Sequence[Sequence[Slice]]
    settings: InteractionSettings
    folder: str
    buckets: int
    needs_time: bool

    def __call__(self, number: int) -> Weighed:
        """Weigh and deal the events of a task."""
        file, surveys, times = BucketFile(f"{self.folder}/weighed"), [], [np.empty(0, np.int64)]
        schema = pa.schema([*columns_of_events(self.settings), _ID])
        for name, part, parts in self.slices[number]:
            for batch in read_part([name], part, parts, schema):
                table = pa.Table.from_batches([batch])
                events, survey = weigh(table, self.settings, needs_time=self.needs_time)
                users = events.users.encoded(np.arange(len(events.rows)))
                file.add(_rows(events, table), buckets_of_keys(users, self.buckets))
                surveys.append(survey)
                times.append(events.micros)
        told = merged(surveys, list(self.settings.event_weights))
        return Weighed(file.close(), told, points_of(np.concatenate(times)))


def _rows(events: Events, table: pa.Table) -> pa.Table:
    every = np.arange(len(events.rows))
    columns = {
        "user": events.users.encoded(every),
        "item": events.items.encoded(every),
        "micros": events.micros,
        "weight": events.weights,
        "event_id": table["event_id"].take(pa.array(events.rows)),
    }
    return pa.table(columns, schema=pa.schema([*_DEALT, _ID]))


def merged(surveys: Sequence[EventsSurvey], listed: Sequence[str]) -> EventsSurvey:
    """Return the survey of the events of several surveys.

    Args:
        surveys: Surveys.
        listed: Types that have a weight of their own.
    """
    rejected: Counter[str] = sum((Counter(each.rejected) for each in surveys), Counter())
    kept = [each for each in surveys if each.kept]
    unused = set(listed).intersection(*(each.unused_types for each in surveys))
    return EventsSurvey(
        events=sum(each.events for each in surveys),
        kept=sum(each.kept for each in surveys),
        first=min((each.first for each in kept), default=0),
        last=max((each.last for each in kept), default=0),
        rejected=dict(sorted(rejected.items())),
        unused_types=sorted(unused),
    )


def read_weighed(files: Sequence[str], bucket: int, *, has_time: bool) -> Events:
    """Return the events of a bucket of users."""
    rows = read_bucket(files, bucket, _DEALT)
    return Events(
        users=keys_of(rows["user"]),
        items=keys_of(rows["item"]),
        micros=rows["micros"].to_numpy(),
        has_time=has_time,
        weights=rows["weight"].to_numpy(),
        rows=np.arange(rows.num_rows),
    )


def read_ids(files: Sequence[str], bucket: int) -> pa.ChunkedArray:
    """Return the ids of the same events in the same order."""
    return read_bucket(files, bucket, pa.schema([_ID]))["event_id"]
