"""Clean raw text into documents; what is rejected or duplicate is kept with its reasons."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import cleaning
from pipelines.corpus.config import CleanCorpusConfig
from pipelines.results import JobResult, survey
from pipelines.sources.judged import stage_parts
from pipelines.sources.notes import note_lines
from pipelines.sources.records import broken_files, count_records, read_records, sound_records
from pipelines.table_store import TableStore
from schemas import DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS, REJECTED_FILES

CONFIG = CleanCorpusConfig


def run(spark: SparkSession, config: CleanCorpusConfig) -> JobResult:
    """Read raw text, judge each record once, and write kept, rejected and duplicate documents."""
    with TableStore(spark, config, job="clean_corpus") as store:
        return _clean(spark, config, store)


def _clean(spark: SparkSession, config: CleanCorpusConfig, store: TableStore) -> JobResult:
    read = read_records(spark, config.inputs.corpus, cleaning.document_fields(config), config)
    store.input_versions["corpus"] = read.version
    records = read.frame.persist(StorageLevel.DISK_ONLY)
    judged = cleaning.judge_documents(sound_records(records), config)
    judged = judged.persist(StorageLevel.DISK_ONLY)
    parts = cleaning.split_documents(judged)
    counts = count_records(records)
    told = survey(judged, cleaning.duplicates())
    result = JobResult(
        rows_in={"corpus": counts["records"]}, rejected=told.reasons, lines=note_lines(counts)
    )
    parts[REJECTED_FILES.name] = broken_files(records)
    known = {
        REJECTED_DOCUMENTS.name: told.rejected,
        DUPLICATE_DOCUMENTS.name: told.total("duplicates"),
        REJECTED_FILES.name: counts["broken"],
    }
    empty = [name for name, rows in known.items() if not rows]
    stage_parts(store, result, parts, empty=empty)
    result.require_balance("documents", "rejected_documents", "duplicate_documents")
    rejected = parts[REJECTED_DOCUMENTS.name]
    result.require_share("rejected_documents", at_most=config.max_rejected_share, rows=rejected)
    result.require_rows(
        "documents",
        allow_empty=config.allow_empty,
        rejected=rejected,
        hint="text_column, file_format, rules",
    )
    return store.finish(result, judged, records)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
