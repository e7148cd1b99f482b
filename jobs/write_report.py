"""Show the published tables on one HTML page: counts, training, map, samples, gate, manifest."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.errors import InputError
from pipelines.report.config import CONTRACTS, WriteReportConfig
from pipelines.report.gathering import gather
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from pipelines.tables import exists

CONFIG = WriteReportConfig


def run(spark: SparkSession, config: WriteReportConfig) -> JobResult:
    """Read what tables there are, take what the page shows of each, and replace the page."""
    store = TableStore(spark, config, job="write_report")
    given = config.inputs.model_dump()
    there = [name for name, uri in given.items() if uri and exists(spark, uri)]
    missing = {name: uri for name, uri in given.items() if name not in there}
    if not there:
        raise InputError(
            f"no table to report on: nothing is at {', '.join(filter(None, given.values()))}; "
            "run the jobs that write them, or set inputs"
        )
    with ThreadPoolExecutor(1) as pool:  # two seconds of imports, while Spark reads the tables
        page_module = pool.submit(import_module, "pipelines.report.page")
        facts = gather(
            store.read_all(**{name: CONTRACTS[name] for name in there}),
            map_words=config.map_words,
            sample_count=config.sample_count,
            seed=config.seed,
        )
    versions = {name: store.input_versions[name] for name in there}
    page = page_module.result().render(
        facts, title=config.title, missing=missing, versions=versions, seed=config.seed
    )
    store.files.replace_text(config.outputs.report, page)
    left_out = [f"left out: inputs.{name}" for name in missing]
    return JobResult(
        measures={"tables shown": len(there), "characters": len(page)},
        lines=[f"report: {config.outputs.report}", *left_out],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
