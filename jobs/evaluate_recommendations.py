"""Measure a staged recommender on held-out interactions, with popularity as the baseline."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.evaluation.config import EvaluateRecommendationsConfig
from pipelines.evaluation.held_out_ranking import evaluate_recommendations
from pipelines.evaluation.measures import to_rows
from pipelines.results import JobResult
from pipelines.space_rows import of_space
from pipelines.spaces.registry import choose_space
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, INTERACTIONS, ITEM_IDS, QUALITY_METRICS, USER_IDS, VECTORS

CONFIG = EvaluateRecommendationsConfig


def run(spark: SparkSession, config: EvaluateRecommendationsConfig) -> JobResult:
    """Recommend to every user of the split, and write the metrics of the space and baselines."""
    store = TableStore(spark, config, job="evaluate_recommendations")
    inputs = store.read_all(
        embedding_spaces=EMBEDDING_SPACES,
        vectors=VECTORS,
        interactions=INTERACTIONS,
        item_ids=ITEM_IDS,
        user_ids=USER_IDS,
    )
    space = choose_space(
        inputs["embedding_spaces"], name=config.space_name, space_id=config.space_id
    )
    measures = evaluate_recommendations(
        of_space(inputs["vectors"], space.space_id),
        inputs["interactions"],
        config,
        user_ids=inputs["user_ids"],
        item_ids=inputs["item_ids"],
        metric=space.metric,
    )
    result = JobResult(space_id=space.space_id, lines=[str(measure) for measure in measures])
    result.rows_in["users"] = int(measures[0].value or 0)
    rows = to_rows(measures, space_id=space.space_id, job=store.job, entity="all")
    result.rows_out["quality_metrics"] = store.write_rows(
        rows, QUALITY_METRICS, part={"space_id": space.space_id, "job": store.job}
    )
    return store.finish(result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
