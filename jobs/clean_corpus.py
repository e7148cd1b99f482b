"""Clean raw text into documents; what is rejected or duplicate is kept with its reasons."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import cleaning, deciding
from pipelines.corpus.by_tasks.clean_tables import clean_by_tasks
from pipelines.corpus.config import CleanCorpusConfig
from pipelines.corpus.inspecting.trial import try_rules
from pipelines.results import JobResult
from pipelines.sources.judged import stage_parts
from pipelines.sources.records import broken_files
from pipelines.table_store import TableStore
from schemas import DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS, REJECTED_FILES

CONFIG = CleanCorpusConfig


def run(spark: SparkSession, config: CleanCorpusConfig) -> JobResult:
    """Read raw text, judge each record once, and write kept, rejected and duplicate documents."""
    with TableStore(spark, config, job="clean_corpus") as store:
        return _clean(spark, config, store)


def _clean(spark: SparkSession, config: CleanCorpusConfig, store: TableStore) -> JobResult:
    persisted: list[DataFrame] = []
    cleaned = clean_by_tasks(store, config.inputs.corpus, config)
    if cleaned is not None:
        result, rejected = cleaned
    else:
        result, rejected, *persisted = _clean_by_spark(spark, config, store)
    result.require_balance("documents", "rejected_documents", "duplicate_documents")
    result.require_share("rejected_documents", at_most=config.max_rejected_share, rows=rejected)
    result.require_rows(
        "documents",
        allow_empty=config.allow_empty,
        rejected=rejected,
        hint="text_column, file_format, rules",
    )
    return store.finish(result, *persisted)


def _clean_by_spark(
    spark: SparkSession, config: CleanCorpusConfig, store: TableStore
) -> tuple[JobResult, DataFrame, DataFrame, DataFrame, DataFrame]:
    """Stage tables whose files tasks cannot write.

    Returns:
        The result, rejected rows, and three frames that are persisted.
    """
    read = cleaning.read_judged(spark, config.inputs.corpus, config)
    store.input_versions["corpus"] = read.version
    judged = read.frame.persist(StorageLevel.DISK_ONLY)
    narrow = deciding.narrowed(judged).persist(StorageLevel.DISK_ONLY)
    told = deciding.tell(narrow)
    lost = deciding.find_losers(narrow).persist(StorageLevel.DISK_ONLY)
    losses = deciding.count_losses(lost)
    result = deciding.result_of(told, losses)
    parts = deciding.split_judged(judged, lost, losses)
    parts[REJECTED_FILES.name] = broken_files(judged.withColumnRenamed("text", "record"))
    known = {
        REJECTED_DOCUMENTS.name: told.rejected + losses.rejected,
        DUPLICATE_DOCUMENTS.name: losses.duplicates,
        REJECTED_FILES.name: told.broken,
    }
    empty = [name for name, rows in known.items() if not rows]
    stage_parts(store, result, parts, empty=empty)
    return result, parts[REJECTED_DOCUMENTS.name], judged, narrow, lost


def try_sample(spark: SparkSession, config: CleanCorpusConfig, share: float) -> JobResult:
    """Try the rules on a share of the records: `--sample`; nothing is written."""
    return try_rules(spark, config, share)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
