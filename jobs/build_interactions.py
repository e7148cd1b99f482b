"""Build interactions, sessions and stable ids from events, split by one global time."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines import tables
from pipelines.interactions import building, identities, pairs
from pipelines.interactions.blocked.build_tables import build_in_buckets
from pipelines.interactions.config import BuildInteractionsConfig
from pipelines.interactions.packed.build_tables import build_tables, choose_layout
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from schemas import EVENTS, INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS, Table

CONFIG = BuildInteractionsConfig
_ENTITIES: tuple[tuple[Table, identities.EntitySide], ...] = (
    (USER_IDS, "user"),
    (ITEM_IDS, "item"),
)


def run(spark: SparkSession, config: BuildInteractionsConfig) -> JobResult:
    """Weigh and split events, keep the k-core, number users and items, and write the tables."""
    with TableStore(spark, config, job="build_interactions") as store:
        return _build(config, store)


def _build(config: BuildInteractionsConfig, store: TableStore) -> JobResult:
    events = store.read("events", EVENTS)
    choice, files, buckets = choose_layout(store, events, config)
    choice.log()
    persisted: list[DataFrame] = []
    if choice.is_packed:
        result = build_tables(store, files, choice, config)
    elif choice.is_by_tasks:
        result, persisted = build_in_buckets(store, files, buckets, choice, config)
    else:
        result, persisted = _build_by_shuffles(config, store, events)
    result.require_rows("interactions", allow_empty=False)
    return store.finish(result, *persisted)


def _build_by_shuffles(
    config: BuildInteractionsConfig, store: TableStore, events: DataFrame
) -> tuple[JobResult, list[DataFrame]]:
    """Stage the tables by Spark's shuffles, where tasks cannot reach all files.

    Returns:
        The result, and the frames that are persisted.
    """
    weighed, survey = building.weigh(events, config)
    parts, train_end = building.split(weighed, survey, config)
    paired = building.pair(parts, train_end, config).persist(StorageLevel.DISK_ONLY)
    result = JobResult(rows_in={"events": survey.events}, lines=survey.lines)
    train = pairs.training_pairs(paired)
    core = building.core(train, config)
    ids = _number(store, core, result)
    users, items = (
        identities.training_keys(train, ids[table.name], entity=entity)
        for table, entity in _ENTITIES
    )
    labelled = pairs.label_pairs(paired, users=users, items=items).persist(StorageLevel.DISK_ONLY)
    kept, left_out = pairs.count_events(labelled)
    result.rejected = survey.rejected | left_out
    pairs.require_balance(survey.events, kept, result.rejected)
    result.rows_out["interactions"] = store.stage(pairs.select_interactions(labelled), INTERACTIONS)
    cut = building.session(parts, users, items, config).persist(StorageLevel.DISK_ONLY)
    long_enough = store.stage(building.long_enough(cut, config), SESSIONS)
    result.rows_out["sessions"] = long_enough
    result.measures |= {"events_kept": kept, "sessions_too_short": cut.count() - long_enough}
    return result, [paired, core, labelled, cut, *ids.values()]


def _number(store: TableStore, core: DataFrame, result: JobResult) -> dict[str, DataFrame]:
    """Stage the ids of users and items in the core, and return them, persisted."""
    assigned = {}
    for table, entity in _ENTITIES:
        counts = identities.count_training_events(core, entity=entity)
        uri = store.output(table.name)
        known = None
        if tables.exists(store.spark, uri):
            known = tables.read(store.spark, uri, table)
        ids = identities.assign_ids(counts, known=known).persist(StorageLevel.DISK_ONLY)
        # the ids of earlier runs are an input too: the version of the new ids stands for them
        store.input_versions[table.name] = identities.content_version(ids)
        assigned[table.name] = ids
        result.rows_out[table.name] = store.stage(ids, table, may_be_ahead=True)
    return assigned


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
