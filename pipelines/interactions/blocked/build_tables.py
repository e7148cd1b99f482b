"""Building by buckets of users: the stages in their order, and staging what tasks have written."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from pipelines.cluster.executors import executor_bytes
from pipelines.cluster.many_tasks import in_tasks
from pipelines.cluster.one_task import in_one_task
from pipelines.interactions import pairs
from pipelines.interactions.blocked.building import BucketBuilding, BucketBuilt
from pipelines.interactions.blocked.numbering import (
    NumberedKeys,
    Numbering,
    number_by_shuffles,
)
from pipelines.interactions.blocked.pairing import BucketPairing, Counted, Split
from pipelines.interactions.blocked.ranks import times_at
from pipelines.interactions.blocked.weighing import Slice, Weighed, Weighing, merged
from pipelines.interactions.building import require_no_times
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.layouts import MARGIN, Choice
from pipelines.interactions.packed.weighed import cut_ranks
from pipelines.interactions.weighing import EventsSurvey
from pipelines.results import JobResult
from pipelines.storage.places import locate
from pipelines.table_store import TableStore
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS

LOG = logging.getLogger("vectormill")
_PAIR = 40  # bytes per training pair in the task that numbers, besides what was read
_COPIES = 2  # of what was read
_MOST_BYTES = 1 << 31  # of what was read: one of Arrow's arrays holds no more bytes of keys


@dataclass(frozen=True)
class Buckets:
    """What the stages of one run share.

    Args:
        store: The tables of the run.
        files: Files of `events`.
        count: Number of buckets of users.
        folder: Where tasks write for each other.
        choice: Writers of the tables.
        settings: Settings.
    """

    store: TableStore
    files: Sequence[str]
    count: int
    folder: str
    choice: Choice
    settings: InteractionSettings

    def weigh(self) -> tuple[list[Weighed], EventsSurvey, bool]:
        """Deal the weighed events; tell what was dealt, and whether events have times.

        Raises:
            InputError: No event has a weight.
        """
        found, survey = self._weighed(needs_time=True)
        has_time = True
        if survey.kept == 0 and "has_time" in survey.rejected:
            require_no_times(self.settings)
            found, survey = self._weighed(needs_time=False)
            has_time = False
        survey.require_events()
        return [each for each in found if each.file], survey, has_time

    def _weighed(self, *, needs_time: bool) -> tuple[list[Weighed], EventsSurvey]:
        slices = sliced(self.files, int(self.store.spark.sparkContext.defaultParallelism))
        work = Weighing(slices, self.settings, self.folder, self.count, needs_time)
        found = in_tasks(self.store.spark, work, len(slices))
        listed = list(self.settings.event_weights)
        return found, merged([each.survey for each in found], listed)

    def split(self, weighed: list[Weighed], survey: EventsSurvey, *, has_time: bool) -> Split:
        """Find the cuts of the time split."""
        if not has_time:
            return Split(0, 0, has_time=False)
        ranks = cut_ranks(survey.kept, self.settings)
        files, points = [each.file for each in weighed], [each.times for each in weighed]
        train_end, valid_end = times_at(self.store.spark, files, points, ranks)
        return Split(train_end, valid_end, has_time=True)

    def number(self, counted: list[Counted]) -> NumberedKeys:
        """Number the keys of the core: in one task where all training pairs fit an executor."""
        size = sum(each.size for each in counted)
        needed = MARGIN + _COPIES * size + _PAIR * sum(each.pairs for each in counted)
        files = [each.file for each in counted if each.file]
        if size > _MOST_BYTES or needed > executor_bytes(self.store.spark):
            LOG.info("training pairs are numbered by shuffles: they fit no executor")
            return number_by_shuffles(self.store, files, self.settings, self.folder, self.count)
        known, writers = self.choice.known, self.choice.writers
        work = Numbering(files, known, writers, self.settings, self.folder, self.count)
        return in_one_task(self.store.spark, work)


def sliced(files: Sequence[str], tasks: int) -> list[list[Slice]]:
    """Return what each task reads: whole files, or parts of their row groups where they are few."""
    parts = -(-tasks // len(files))  # of each file
    slices = [(file, part, parts) for file in files for part in range(parts)]
    return [slices[n::tasks] for n in range(tasks)]


def build_in_buckets(
    store: TableStore,
    files: Sequence[str],
    count: int,
    choice: Choice,
    settings: InteractionSettings,
) -> tuple[JobResult, list[DataFrame]]:
    """Build all tables in tasks of a bucket of users each, and stage them.

    Args:
        store: The tables of the run.
        files: Files of `events`.
        count: Number of buckets.
        choice: Writers of the tables, and files of the ids of an earlier run.
        settings: Settings.

    Returns:
        The result, and frames that are persisted.

    Raises:
        InputError: No event has a weight.
        GateError: The core is empty.
    """
    folder = store.scratch.folder(locate(store.spark, store.output(INTERACTIONS.name))) or ""
    buckets = Buckets(store, files, count, folder, choice, settings)
    weighed, survey, has_time = buckets.weigh()
    split = buckets.split(weighed, survey, has_time=has_time)
    pairing = BucketPairing([each.file for each in weighed], split, settings, folder)
    numbered = buckets.number(in_tasks(store.spark, pairing, count))
    work = BucketBuilding(pairing, numbered.files, choice.writers)
    found = in_tasks(store.spark, work, count)
    result = JobResult(rows_in={"events": survey.events}, lines=survey.lines)
    _account(result, survey, found)
    store.input_versions |= numbered.versions
    _stage(store, choice, numbered, found, result)
    return result, list(numbered.frames.values())


def _account(result: JobResult, survey: EventsSurvey, found: Sequence[BucketBuilt]) -> None:
    """Note where each event went."""
    left_out: Counter[str] = sum((Counter(each.left_out) for each in found), Counter())
    kept = sum(each.kept for each in found)
    result.rejected = survey.rejected | dict(sorted(left_out.items()))
    pairs.require_balance(survey.events, kept, result.rejected)
    short = sum(each.too_short for each in found)
    result.measures |= {"events_kept": kept, "sessions_too_short": short}


def _stage(
    store: TableStore,
    choice: Choice,
    numbered: NumberedKeys,
    found: Sequence[BucketBuilt],
    result: JobResult,
) -> None:
    """Stage the tables; ids first, as they may be ahead of the others."""
    written = numbered.pieces | {
        table.name: [piece for each in found for piece in each.pieces[table.name]]
        for table in (INTERACTIONS, SESSIONS)
    }
    for table in (USER_IDS, ITEM_IDS, INTERACTIONS, SESSIONS):
        is_ahead = table in (USER_IDS, ITEM_IDS)
        if table.name in written:
            pieces = store.scratch.pieces(choice.writers[table.name], written[table.name])
            rows, _ = store.stage_pieces(pieces, table, may_be_ahead=is_ahead)
        else:
            rows = store.stage(numbered.frames[table.name], table, may_be_ahead=is_ahead)
        result.rows_out[table.name] = rows
