"""Clean raw interaction logs into events; what is rejected is kept with its reasons."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.interactions import cleaning, parsing, times
from pipelines.interactions.config import CleanEventsConfig
from pipelines.interactions.sifting.clean_tables import clean_tables
from pipelines.interactions.sifting.sifted_input import SiftedInput, sift
from pipelines.results import JobResult, survey
from pipelines.sources.judged import stage_parts
from pipelines.sources.notes import note_lines
from pipelines.sources.records import broken_files, count_records, read_records, sound_records
from pipelines.table_store import TableStore
from schemas import REJECTED_EVENTS, REJECTED_FILES

CONFIG = CleanEventsConfig


def run(spark: SparkSession, config: CleanEventsConfig) -> JobResult:
    """Read raw events, judge each record once, and write kept and rejected events."""
    with TableStore(spark, config, job="clean_events") as store:
        return _clean(spark, config, store)


def _clean(spark: SparkSession, config: CleanEventsConfig, store: TableStore) -> JobResult:
    times.check_time_settings(spark, config)
    sifted, choice = sift(store, config.inputs.events, config)
    choice.log()
    persisted: list[DataFrame] = []
    if sifted is not None and choice.is_by_tasks:
        result, rejected = clean_tables(store, sifted, choice, config)
    else:
        result, rejected, *persisted = _clean_by_shuffles(spark, config, store, sifted)
    result.require_balance("events", "rejected_events")
    result.require_share("rejected_events", at_most=config.max_rejected_share, rows=rejected)
    result.require_rows(
        "events",
        allow_empty=config.allow_empty,
        rejected=rejected,
        hint="columns, time_format, event_types",
    )
    return store.finish(result, *persisted)


def _clean_by_shuffles(
    spark: SparkSession,
    config: CleanEventsConfig,
    store: TableStore,
    sifted: SiftedInput | None,
) -> tuple[JobResult, DataFrame, DataFrame, DataFrame]:
    """Stage the tables where tasks cannot write files: Spark shuffles the rows.

    Returns:
        The result, rejected rows, and two frames that are persisted.
    """
    if sifted is not None:
        records, counts = sifted.records(spark), sifted.counts
        broken = sifted.broken_files(spark)
    else:
        read = read_records(spark, config.inputs.events, parsing.event_fields(config), config)
        store.input_versions["events"] = read.version
        records = read.frame.persist(StorageLevel.DISK_ONLY)
        counts, broken = count_records(records, "event_id"), broken_files(records)
    judged = cleaning.judge_events(sound_records(records), config)
    judged = cleaning.judge_repetitions(judged, config, has_ids=counts["event_id"] > 0)
    judged = judged.persist(StorageLevel.DISK_ONLY)
    parts = cleaning.split_events(judged)
    told = survey(judged, *cleaning.time_span())
    result = JobResult(
        rows_in={"events": counts["records"]}, rejected=told.reasons, lines=note_lines(counts)
    )
    sound = told.found.get((), {})
    result.measures |= {name: sound[name] for name in ("first_time", "last_time") if name in sound}
    parts[REJECTED_FILES.name] = broken
    known = {
        REJECTED_EVENTS.name: told.rejected,
        REJECTED_FILES.name: counts["broken"],
    }
    empty = [name for name, rows in known.items() if not rows]
    stage_parts(store, result, parts, empty=empty)
    return result, parts[REJECTED_EVENTS.name], judged, records


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
