"""Recommend unseen items to users from published vectors, and find similar users and items."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines import tables
from pipelines.results import JobResult
from pipelines.serving.config import RecommendItemsConfig
from pipelines.serving.neighbours import find_similar
from pipelines.serving.packed_recommendations import COLUMNS
from pipelines.serving.recommendations import summarise
from pipelines.serving.recommending import plan_recommendations
from pipelines.space_rows import require_one_space
from pipelines.table_store import TableStore
from schemas import INTERACTIONS, ITEM_IDS, NEIGHBOURS, RECOMMENDATIONS, USER_IDS, VECTORS

CONFIG = RecommendItemsConfig


def run(spark: SparkSession, config: RecommendItemsConfig) -> JobResult:
    """Write the best items of each user, and the neighbours of `similar_users`, `similar_items`."""
    store = TableStore(spark, config, job="recommend_items")
    inputs = store.read_all(
        vectors=VECTORS, item_ids=ITEM_IDS, user_ids=USER_IDS, interactions=INTERACTIONS
    )
    columns = {name: store.columns(name, inputs[name], own) for name, own in COLUMNS.items()}
    plan = plan_recommendations(columns, config, stored_as=config.format)
    rows, unknown = store.write_pieces(plan.table, RECOMMENDATIONS), plan.unknown
    similar_count, lines = _write_similar(store, inputs["vectors"], config)
    result = JobResult(measures={"layout": f"{plan.layout.layout}: {plan.layout.why}"})
    result.rows_in = {"users": rows + len(unknown)}
    result.rows_out = {"recommendations": rows, "similar_entities": similar_count}
    result.rejected = {"unknown": len(unknown)} if unknown else {}
    with ThreadPoolExecutor(1) as pool:  # the table is read again while the counts are written
        written = tables.read(spark, store.output("recommendations"), RECOMMENDATIONS)
        summary = pool.submit(summarise, written, config.users, unknown, shown=config.shown)
        store.finish(result)
    space_id, recommended = summary.result()
    result.space_id = space_id or require_one_space(inputs["vectors"])
    result.lines = recommended + lines
    return result


def _write_similar(
    store: TableStore, vectors: DataFrame, config: RecommendItemsConfig
) -> tuple[int, list[str]]:
    keys_by_entity = {"user": config.similar_users, "item": config.similar_items}
    if not any(keys_by_entity.values()):
        return store.write_rows([], NEIGHBOURS, name="similar_entities"), []
    similar, lines = find_similar(vectors, keys_by_entity, k=config.k)
    try:
        return store.write(similar, NEIGHBOURS, name="similar_entities"), lines
    finally:
        similar.unpersist()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
