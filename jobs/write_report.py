"""Show tables on one HTML page: counts, rejections, training, map, samples, gate, manifest."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.corpus.inspecting.showing import documents_with_pieces
from pipelines.errors import InputError
from pipelines.report.config import CONTRACTS, WriteReportConfig
from pipelines.report.facts import Facts
from pipelines.report.gathering import gather
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from pipelines.tables import exists

CONFIG = WriteReportConfig
_SHOWN_CHARACTERS = 1_000  # of each rejected document


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
        frames = store.read_all(**{name: CONTRACTS[name] for name in there})
        facts = gather(
            frames,
            map_words=config.map_words,
            sample_count=config.sample_count,
            seed=config.seed,
        )
        facts = _with_rejections(facts, frames, config)
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


def _with_rejections(
    facts: Facts, frames: Mapping[str, DataFrame], config: WriteReportConfig
) -> Facts:
    """Add some of the rejected documents, if their table is there."""
    if "rejected_documents" not in frames:
        return facts
    found = documents_with_pieces(
        frames["rejected_documents"],
        config.sample_count,
        seed=config.seed,
        max_characters=_SHOWN_CHARACTERS,
    )
    return replace(facts, rejections=found)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
