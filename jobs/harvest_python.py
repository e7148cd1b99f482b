"""Harvest the demo's source: docstrings and topics of this Python, and the calls its files make."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.harvest import python
from pipelines.harvest.config import HarvestPythonConfig
from pipelines.results import JobResult
from pipelines.sources.writing import is_written, write_lines
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files

CONFIG = HarvestPythonConfig


def run(spark: SparkSession, config: HarvestPythonConfig) -> JobResult:
    """Parse the installation's files and write two folders of JSON lines, unless unchanged."""
    sources = python.source_files(
        config.packages, config.excluded_folders, max_files=config.max_files
    )
    names = [(name, size) for _, name, size in sources]
    version = digest([python.installation(), names, config.packages])
    folders = {"document": config.outputs.corpus, "call": config.outputs.event_log}
    files = Files(spark)
    result = JobResult(rows_in={"source files": len(sources)})
    if all(is_written(files, folder, version) for folder in folders.values()):
        result.status = "unchanged"
        return result
    harvested = python.harvest(spark, sources).persist(StorageLevel.DISK_ONLY)
    for kind, folder in folders.items():
        lines = python.records_of(harvested, kind)
        result.rows_out[kind] = write_lines(files, lines, folder, version=version)
    harvested.unpersist()
    result.lines.append(f"read {python.installation()}")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
