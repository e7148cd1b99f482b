"""Search for the settings of train_als that rank held-out interactions best."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.command import run_job
from pipelines.als import tuning
from pipelines.als.tuning_config import TuneAlsConfig
from pipelines.results import JobResult
from pipelines.settings import beside
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
    rows = tuning.search(interactions, config, state)
    order = TUNING_RESULTS.column_names
    content = [tuple(row[name] for name in order) for row in rows]
    frame = spark.createDataFrame(content, TUNING_RESULTS.schema()).coalesce(1)
    best = tuning.best_of(rows, config.metric)
    result = JobResult(
        measures={"trials": rows[-1]["trial"], config.metric: best[config.metric]},
        lines=tuning.describe(best, config),
    )
    result.rows_out["tuning_results"] = store.write(frame, TUNING_RESULTS)
    state.clear()
    return store.finish(result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
