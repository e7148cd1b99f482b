"""Recommend unseen items to users from published vectors, and find users and items alike."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.command import run_job
from pipelines import tables
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from pipelines.training.catalogue import Catalogue, collect_catalogue
from pipelines.vectors import recommendations
from pipelines.vectors.neighbours import find_similar
from pipelines.vectors.seen import beside_seen
from pipelines.vectors.serving_config import RecommendItemsConfig
from pipelines.vectors.spaces import require_one_space
from schemas import INTERACTIONS, ITEM_IDS, NEIGHBOURS, RECOMMENDATIONS, USER_IDS, VECTORS

CONFIG = RecommendItemsConfig


def run(spark: SparkSession, config: RecommendItemsConfig) -> JobResult:
    """Write the best items of each user, and the neighbours of the users and items asked for."""
    store = TableStore(spark, config, job="recommend_items")
    inputs = store.read_all(
        vectors=VECTORS, item_ids=ITEM_IDS, user_ids=USER_IDS, interactions=INTERACTIONS
    )
    vectors, interactions = inputs["vectors"], inputs["interactions"]
    with ThreadPoolExecutor() as pool:  # small jobs, which mostly wait
        space = pool.submit(require_one_space, vectors)
        collected = pool.submit(_catalogue, vectors, inputs["item_ids"], config)
        chosen, unknown = recommendations.choose_users(vectors, config.users)
        names = ["user_id", "item_id"]
        pairs = store.columns("interactions", interactions, names) if config.exclude_seen else None
        users = beside_seen(chosen, pairs, inputs["user_ids"], k=config.k)
    result, catalogue = JobResult(space_id=space.result()), collected.result()
    discounts = recommendations.discounts(
        interactions, catalogue, strength=config.popularity_discount
    )
    best = recommendations.recommend(users, catalogue, spark, k=config.k, discounts=discounts)
    with ThreadPoolExecutor(1) as pool:  # the lists keep all cores busy, these mostly wait
        rows = pool.submit(store.write_pieces, best, RECOMMENDATIONS)
        asked = {"user": config.similar_users, "item": config.similar_items}
        similar, lines = find_similar(vectors, asked, k=config.k)
        alike = store.write(similar, NEIGHBOURS, name="similar_entities")
    result.rows_out = {"recommendations": rows.result(), "similar_entities": alike}
    result.rows_in["users"] = result.rows_out["recommendations"] + len(unknown)
    result.rejected = {"unknown": len(unknown)} if unknown else {}
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(_say, store, config, unknown)
        store.finish(result, similar)
    result.lines = told.result() + lines
    return result


def _catalogue(vectors: DataFrame, item_ids: DataFrame, config: RecommendItemsConfig) -> Catalogue:
    items = recommendations.choose_items(
        vectors, only=config.candidate_items, without=config.excluded_items
    )
    return collect_catalogue(
        items,
        item_ids.select("key", "id", "is_retired"),
        is_normalised=config.metric == "cosine",
        max_megabytes=config.max_catalogue_megabytes,
    )


def _say(store: TableStore, config: RecommendItemsConfig, unknown: list[str]) -> list[str]:
    written = tables.read(store.spark, store.output("recommendations"), RECOMMENDATIONS)
    return recommendations.say_recommendations(written, config.users, unknown, shown=config.shown)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
