"""The time of a rank among all events, from a few times of each task."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from pipelines.cluster.many_tasks import in_tasks
from pipelines.storage.task_files.buckets import read_batches

_MOST_POINTS = 1 << 10  # of a task
_MICROS = pa.schema([("micros", pa.int64())])

Numbers = NDArray[np.int64]
Range = tuple[int, int]


@dataclass(frozen=True)
class Points:
    """Some distinct times of a task, in order; all of its range where these are few.

    Args:
        times: Times, microseconds since 1970.
        until: Events of the task up to each of them, those at that time included.
        before: Events of the task before each of them.
        count: Events of the task up to the end of the range.
        below: Events of the task before the range.
    """

    times: Numbers
    until: Numbers
    before: Numbers
    count: int
    below: int


def points_of(times: Numbers, within: Range | None = None) -> Points:
    """Return points of the times of a task.

    Args:
        times: Times of events.
        within: The range, its ends included; None for all times.
    """
    below = 0
    if within is not None:
        below = int((times < within[0]).sum())
        times = times[(times >= within[0]) & (times <= within[1])]
    distinct, counts = np.unique(times, return_counts=True)
    until = below + np.cumsum(counts)
    count = below + len(times)
    chosen = np.arange(len(distinct))
    if len(distinct) > _MOST_POINTS:
        chosen = np.linspace(0, len(distinct) - 1, _MOST_POINTS).astype(np.int64)
    return Points(distinct[chosen], until[chosen], (until - counts)[chosen], count, below)


def bounds_of(parts: Sequence[Points], rank: int) -> Range:
    """Return two times between which, ends included, the time of a rank lies.

    Up to a time there are at least the events up to each task's last point not after it; before a
    time there are at most those before each task's first point not before it.

    Args:
        parts: Points of all tasks, of one range that holds the time.
        rank: Number of the event in the order of time, from 1.
    """
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    times, below = times[order], sum(part.below for part in parts)
    until = [np.diff(part.until, prepend=part.below) for part in parts]
    before = [np.diff(part.before, append=part.count) for part in parts]
    at_least, at_most = (
        below + np.append(0, np.cumsum(np.concatenate(steps)[order])) for steps in (until, before)
    )
    candidates = np.unique(times)
    reached = at_least[np.searchsorted(times, candidates, "right")] >= rank
    not_passed = at_most[np.searchsorted(times, candidates, "left")] < rank
    return int(candidates[not_passed][-1]), int(candidates[reached][0])


def times_at(
    spark: SparkSession, files: Sequence[str], parts: Sequence[Points], ranks: Sequence[int]
) -> list[int]:
    """Return the time of each rank, exactly: tasks look ever closer.

    Args:
        spark: The session.
        files: Files of events that tasks have dealt.
        parts: Points of all times of each file.
        ranks: Ranks from 1.
    """
    ranges = [bounds_of(parts, rank) for rank in ranks]
    while any(low < high for low, high in ranges):
        found = in_tasks(spark, partial(_looked_at, files, ranges), len(files))
        ranges = [bounds_of([points[n] for points in found], rank) for n, rank in enumerate(ranks)]
    return [low for low, _ in ranges]


def _looked_at(files: Sequence[str], ranges: Sequence[Range], number: int) -> list[Points]:
    batches = read_batches(files[number], _MICROS)
    times = np.concatenate([batch["micros"].to_numpy() for batch in batches])
    return [points_of(times, within) for within in ranges]
