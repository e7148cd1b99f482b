"""Search for the settings of train_als that rank held-out interactions best."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.als.tuning import search
from pipelines.als.tuning.config import TuneAlsConfig
from pipelines.results import JobResult
from pipelines.settings import beside
from pipelines.storage.runs.lease import lease
from pipelines.table_store import TableStore
from pipelines.training.rounds import RoundState
from schemas import INTERACTIONS, TUNING_RESULTS

CONFIG = TuneAlsConfig


def run(spark: SparkSession, config: TuneAlsConfig) -> JobResult:
    """Try candidates side by side, write a row per sweep, and say the best settings."""
    store = TableStore(spark, config, job="tune_als")
    interactions = store.read("interactions", INTERACTIONS)
    work = config.work or beside(store.output("tuning_results"), "work")
    state = RoundState(spark, f"{work}/{store.job}/{store.fingerprint}")
    with lease(store.files, state.folder):
        rows = search.search(interactions, config, state)
        written = store.write(_frame(spark, rows), TUNING_RESULTS)
        state.clear()
    best = search.best_of(rows, config.metric)
    result = JobResult(
        measures={"trials": rows[-1]["trial"], config.metric: best[config.metric]},
        lines=search.describe(best, config),
    )
    result.rows_out["tuning_results"] = written
    return store.finish(result)


def _frame(spark: SparkSession, rows: Sequence[dict[str, Any]]) -> DataFrame:
    content = [tuple(row[name] for name in TUNING_RESULTS.column_names) for row in rows]
    return spark.createDataFrame(content, TUNING_RESULTS.schema()).coalesce(1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
