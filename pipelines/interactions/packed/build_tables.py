"""Staging what the packed task has built."""

from pyspark.sql import DataFrame

from pipelines.cluster.one_task import in_one_task
from pipelines.interactions import pairs
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.layouts import Choice, bucket_count, choose, fitted, work_of
from pipelines.interactions.packed.building import Built, PackedBuilding
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS

_STRINGS = ("event_id", "user", "item", "event_type")
_EVENT = 200  # bytes per event: its columns, its pair, its session
_COPIES = 2
_IDS = (USER_IDS, ITEM_IDS)
_TABLES = (*_IDS, INTERACTIONS, SESSIONS)  # ids first: they may be ahead of the others


def choose_layout(
    store: TableStore, events: DataFrame, settings: InteractionSettings
) -> tuple[Choice, tuple[str, ...], int]:
    """Choose the layout.

    Returns:
        The layout, the files of `events`, and the number of buckets of users for `blocked`.

    Raises:
        ConfigError: See `layouts.choose`.
    """
    files = store.columns("events", events, list(_STRINGS)).files
    choice = choose(store, settings.layout, _TABLES, files, ids=_IDS)
    if not choice.is_by_tasks:
        return choice, files, 0
    work = work_of(files, _STRINGS, per_row=_EVENT, copies=_COPIES)
    return fitted(store, choice, settings.layout, work), files, bucket_count(store, work)


def build_tables(
    store: TableStore, files: tuple[str, ...], choice: Choice, settings: InteractionSettings
) -> JobResult:
    """Build all tables in one task, and stage them.

    Raises:
        InputError: No event has a weight.
        GateError: The core is empty.
    """
    work = PackedBuilding(files, choice.known, choice.writers, settings)
    found: Built = in_one_task(store.spark, work)
    result = JobResult(rows_in={"events": found.survey.events}, lines=found.survey.lines)
    result.rejected = found.survey.rejected | found.left_out
    pairs.require_balance(found.survey.events, found.kept, result.rejected)
    store.input_versions |= found.versions
    for table in _TABLES:
        pieces = store.scratch.pieces(choice.writers[table.name], found.pieces[table.name])
        rows, _ = store.stage_pieces(pieces, table, may_be_ahead=table in _IDS)
        result.rows_out[table.name] = rows
    result.measures |= {"events_kept": found.kept, "sessions_too_short": found.too_short}
    return result
