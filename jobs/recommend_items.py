"""Recommend unseen items to users from published vectors, and find users and items alike."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines import tables
from pipelines.ranking.catalogue import Catalogue, collect_catalogue, train_counts
from pipelines.results import JobResult
from pipelines.serving import packed_recommendations, recommendations
from pipelines.serving.config import RecommendItemsConfig
from pipelines.serving.neighbours import find_similar
from pipelines.serving.ranking_layout import choose_layout
from pipelines.serving.seen import beside_seen
from pipelines.spaces.registry import require_one_space
from pipelines.storage.columns import Columns
from pipelines.storage.pieces import Pieces
from pipelines.table_store import TableStore
from schemas import INTERACTIONS, ITEM_IDS, NEIGHBOURS, RECOMMENDATIONS, USER_IDS, VECTORS

CONFIG = RecommendItemsConfig


def run(spark: SparkSession, config: RecommendItemsConfig) -> JobResult:
    """Write the best items of each user, and the neighbours of the users and items asked for."""
    store = TableStore(spark, config, job="recommend_items")
    inputs = store.read_all(
        vectors=VECTORS, item_ids=ITEM_IDS, user_ids=USER_IDS, interactions=INTERACTIONS
    )
    columns = {
        name: store.columns(name, inputs[name], own)
        for name, own in packed_recommendations.COLUMNS.items()
    }
    choice, vectors = choose_layout(spark, columns, config), inputs["vectors"]
    users, unknown = recommendations.choose_users(vectors, config.users)
    if choice.layout == "packed":  # whose task sees for itself that there is one space
        best = packed_recommendations.recommend(spark, columns, config, threads=choice.threads)
    else:
        best = _blocked(users, inputs, columns["interactions"], config)
    rows = store.write_pieces(best, RECOMMENDATIONS)
    asked = {"user": config.similar_users, "item": config.similar_items}
    alike, lines = _write_similar(store, vectors, asked, k=config.k)
    result = JobResult(measures={"layout": f"{choice.layout}: {choice.why}"})
    result.rows_out = {"recommendations": rows, "similar_entities": alike}
    result.rows_in["users"] = result.rows_out["recommendations"] + len(unknown)
    result.rejected = {"unknown": len(unknown)} if unknown else {}
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(_say, store, config, unknown)
        store.finish(result)
    space, recommended = said.result()
    result.space_id = space or require_one_space(vectors)
    result.lines = recommended + lines
    return result


def _blocked(
    users: DataFrame,
    inputs: Mapping[str, DataFrame],
    interactions: Columns,
    config: RecommendItemsConfig,
) -> Pieces:
    with ThreadPoolExecutor() as pool:  # small jobs, which mostly wait
        space = pool.submit(require_one_space, inputs["vectors"])
        collected = pool.submit(_catalogue, inputs, config)
        pairs = interactions.select("user_id", "item_id") if config.exclude_seen else None
        beside = beside_seen(users, pairs, inputs["user_ids"], k=config.k)
        space.result()  # before anything is written
    return recommendations.recommend(beside, collected.result(), users.sparkSession, k=config.k)


def _catalogue(inputs: Mapping[str, DataFrame], config: RecommendItemsConfig) -> Catalogue:
    items = recommendations.choose_items(
        inputs["vectors"], only=config.candidate_items, without=config.excluded_items
    )
    catalogue = collect_catalogue(
        items,
        inputs["item_ids"].select("key", "id", "is_retired"),
        is_normalised=config.metric == "cosine",
        max_megabytes=config.max_catalogue_megabytes,
    )
    if not config.popularity_discount:
        return catalogue
    counts = train_counts(inputs["interactions"], catalogue)
    return recommendations.discounted(catalogue, counts, config.popularity_discount)


def _write_similar(
    store: TableStore, vectors: DataFrame, asked: Mapping[str, Sequence[str]], *, k: int
) -> tuple[int, list[str]]:
    if not any(asked.values()):
        return store.write_rows([], NEIGHBOURS, name="similar_entities"), []
    similar, lines = find_similar(vectors, asked, k=k)
    try:
        return store.write(similar, NEIGHBOURS, name="similar_entities"), lines
    finally:
        similar.unpersist()


def _say(
    store: TableStore, config: RecommendItemsConfig, unknown: list[str]
) -> tuple[str | None, list[str]]:
    written = tables.read(store.spark, store.output("recommendations"), RECOMMENDATIONS)
    return recommendations.say_recommendations(written, config.users, unknown, shown=config.shown)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
