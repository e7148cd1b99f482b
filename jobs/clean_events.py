"""Clean raw interaction logs into events; what is rejected is kept with its reasons."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.interactions import cleaning, parsing, times
from pipelines.interactions.config import CleanEventsConfig
from pipelines.results import JobResult, reason_counts
from pipelines.sources.notes import note_lines
from pipelines.sources.records import broken_files, read_records, sound_records
from pipelines.table_store import TableStore
from schemas import EVENTS, REJECTED_EVENTS, REJECTED_FILES

CONFIG = CleanEventsConfig


def run(spark: SparkSession, config: CleanEventsConfig) -> JobResult:
    """Read raw events, judge each record once, and write kept and rejected events."""
    with TableStore(spark, config, job="clean_events") as store:
        return _clean(spark, config, store)


def _clean(spark: SparkSession, config: CleanEventsConfig, store: TableStore) -> JobResult:
    times.check_time_settings(spark, config)
    read = read_records(spark, config.inputs.events, parsing.event_fields(config), config)
    store.input_versions["events"] = read.version
    records = read.frame.persist(StorageLevel.DISK_ONLY)
    counts = cleaning.count_records(sound_records(records))
    judged = cleaning.judge_events(sound_records(records), config)
    judged = cleaning.judge_repetitions(judged, config, has_ids=counts["event_id"] > 0)
    judged = judged.persist(StorageLevel.DISK_ONLY)
    parts = cleaning.split_events(judged)
    result = JobResult(rows_in={"events": counts["records"]}, lines=note_lines(counts))
    for table in (EVENTS, REJECTED_EVENTS):
        frame = parts[table.name]
        own = frame.columns[len(table.columns) :]
        result.rows_out[table.name] = store.stage(frame, table.with_own(own))
    result.rows_out[REJECTED_FILES.name] = store.stage(broken_files(records), REJECTED_FILES)
    result.rejected = reason_counts(parts[REJECTED_EVENTS.name])
    result.measures |= cleaning.time_span(parts[EVENTS.name])
    result.require_balance("events", "rejected_events")
    rejected = parts[REJECTED_EVENTS.name]
    result.require_share("rejected_events", at_most=config.max_rejected_share, rows=rejected)
    result.require_rows(
        "events",
        allow_empty=config.allow_empty,
        rejected=rejected,
        hint="columns, time_format, event_types",
    )
    return store.finish(result, judged, records)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
