"""Recommend unseen items to users from published vectors, and find users and items alike."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.command import run_job
from pipelines import tables
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from pipelines.training.catalogue import collect_catalogue
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
    result = JobResult(space_id=require_one_space(vectors))
    items = recommendations.choose_items(
        vectors, only=config.candidate_items, without=config.excluded_items
    )
    catalogue = collect_catalogue(
        items,
        inputs["item_ids"].select("key", "id", "is_retired"),
        is_normalised=config.metric == "cosine",
        max_megabytes=config.max_catalogue_megabytes,
    )
    chosen, unknown = recommendations.choose_users(vectors, config.users)
    names = ["user_id", "item_id"]
    pairs = store.columns("interactions", interactions, names) if config.exclude_seen else None
    users = beside_seen(chosen, pairs, inputs["user_ids"], k=config.k)
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
    written = tables.read(spark, store.output("recommendations"), RECOMMENDATIONS)
    told = recommendations.say_recommendations(written, config.users, unknown, shown=config.shown)
    result.lines = told + lines
    return store.finish(result, similar)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
