"""Print random documents that a rule rejected: value, threshold, and where in the text it lies."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines import tables
from pipelines.corpus.inspecting.config import InspectCorpusConfig
from pipelines.corpus.inspecting.showing import inspect
from pipelines.results import JobResult
from schemas import REJECTED_DOCUMENTS

CONFIG = InspectCorpusConfig


def run(spark: SparkSession, config: InspectCorpusConfig) -> JobResult:
    """Read the table of rejected documents, and take some of a rule to the driver."""
    rejected = tables.read(spark, config.inputs.rejected_documents, REJECTED_DOCUMENTS)
    return inspect(rejected, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
