"""Build interactions, sessions and stable ids from events, split by one global time."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines import tables
from pipelines.interactions import building, identities, pairs
from pipelines.interactions.config import BuildInteractionsConfig
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
    store = TableStore(spark, config, job="build_interactions")
    weighed, survey = building.weigh(store.read("events", EVENTS), config)
    events, train_end = building.split(weighed, survey, config)
    paired = building.pair(events, train_end, config).persist(StorageLevel.DISK_ONLY)
    result = JobResult(rows_in={"events": survey.events}, lines=survey.lines)
    train = pairs.training_pairs(paired)
    core = building.core(train, config)
    users, items = _number(store, core, train, result)
    labelled = pairs.label_pairs(paired, users=users, items=items).persist(StorageLevel.DISK_ONLY)
    kept, left_out = pairs.count_events(labelled)
    result.rejected = survey.rejected | left_out
    pairs.require_balance(survey.events, kept, result.rejected)
    result.rows_out["interactions"] = store.write(pairs.select_interactions(labelled), INTERACTIONS)
    cut = building.session(events, users, items, config).persist(StorageLevel.DISK_ONLY)
    long_enough = store.write(building.long_enough(cut, config), SESSIONS)
    result.rows_out["sessions"] = long_enough
    result.measures |= {"events_kept": kept, "sessions_too_short": cut.count() - long_enough}
    return store.finish(result, paired, core, labelled, cut)


def _number(
    store: TableStore, core: DataFrame, train: DataFrame, result: JobResult
) -> tuple[DataFrame, DataFrame]:
    """Write the ids of users and items in the core; return the ids of those in `train`."""
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
    keys = []
    for table, entity in _ENTITIES:
        result.rows_out[table.name] = store.write(assigned[table.name], table)
        assigned[table.name].unpersist()
        # read from storage, so that Spark does not compute the ids again
        written = tables.read(store.spark, store.output(table.name), table)
        keys.append(identities.training_keys(train, written, entity=entity))
    return keys[0], keys[1]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
