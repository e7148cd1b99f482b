"""Measure a staged recommender on held-out interactions, beside recommending what is popular."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.command import run_job
from pipelines.evaluation import item_knn, recommenders
from pipelines.evaluation.config import EvaluateRecommendationsConfig
from pipelines.evaluation.lists import KNN_COLUMN, Judging
from pipelines.evaluation.measures import to_frame
from pipelines.ranking.keyed_vectors import collect_vectors, train_counts
from pipelines.results import JobResult
from pipelines.spaces.registry import choose_space, of_space
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, INTERACTIONS, ITEM_IDS, QUALITY_METRICS, USER_IDS, VECTORS

CONFIG = EvaluateRecommendationsConfig


def run(spark: SparkSession, config: EvaluateRecommendationsConfig) -> JobResult:
    """Recommend to every user of the split and write the metrics of the space and the baseline."""
    store = TableStore(spark, config, job="evaluate_recommendations")
    inputs = store.read_all(
        embedding_spaces=EMBEDDING_SPACES, vectors=VECTORS, interactions=INTERACTIONS,
        item_ids=ITEM_IDS, user_ids=USER_IDS,
    )  # fmt: skip
    spaces, interactions = inputs["embedding_spaces"], inputs["interactions"]
    space = choose_space(spaces, name=config.space_name, space_id=config.space_id)
    vectors = of_space(inputs["vectors"], space.space_id)
    catalogue = collect_vectors(
        vectors,
        inputs["item_ids"].select("key", "id"),
        is_normalised=space.metric == "cosine",
        max_megabytes=config.max_catalogue_megabytes,
    )
    popularity = train_counts(interactions, catalogue)
    users = recommenders.held_out_users(
        interactions, inputs["user_ids"], vectors, split=config.split
    )
    shared = spark.sparkContext.broadcast((catalogue, popularity))
    if config.item_knn_neighbours:
        train = interactions.where("split = 'train'").select("user_id", "item_id")
        similar = item_knn.similar_items(
            train, neighbours=config.item_knn_neighbours, seed=config.seed
        )
        users = item_knn.recommend(users, similar, k=config.k, column=KNN_COLUMN)
    how = Judging(config.k, config.sampled_items, config.seed)
    judged = recommenders.judge_users(users, shared, how).persist(StorageLevel.DISK_ONLY)
    measures = recommenders.summarise(
        judged, k=config.k, split=config.split, catalogue_size=len(catalogue.ids), seed=config.seed
    )
    result = JobResult(space_id=space.space_id, lines=[str(measure) for measure in measures])
    result.rows_in["users"] = int(measures[0].value or 0)
    rows = to_frame(spark, measures, space_id=space.space_id, job=store.job, entity="all")
    result.rows_out["quality_metrics"] = store.write(
        rows, QUALITY_METRICS, part={"space_id": space.space_id, "job": store.job}
    )
    return store.finish(result, judged)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
