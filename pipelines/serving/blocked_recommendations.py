"""Layout `blocked`: users are shuffled into blocks; each task holds the vectors of all items."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, PandasCogroupedOps

from pipelines.ranking.keyed_vectors import KeyedVectors, collect_vectors, train_counts
from pipelines.serving.config import RecommendSettings
from pipelines.serving.recommendations import best_items, choose_items, discounted
from pipelines.serving.seen import beside_seen, seen_items
from pipelines.space_rows import require_one_space
from pipelines.storage.task_files.columns import Columns
from pipelines.storage.task_files.pieces import PiecewiseTable


@dataclass(frozen=True)
class BlockedRecommendations(PiecewiseTable):
    """Rows of `recommendations`: a piece per block of users.

    Args:
        users: Blocks of `seen.beside_seen`.
        items: All items. One copy per executor costs less than a shuffle of k candidates per user
            and block of items.
        k: Items per user; a user with no unseen item has an empty list.
    """

    users: PandasCogroupedOps
    items: "Broadcast[KeyedVectors]"
    k: int

    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """See `PiecewiseTable`."""
        items, k = self.items, self.k  # not `self`: Spark's frames cannot be sent to tasks

        def rank(block: pa.Table, pairs: pa.Table) -> pa.Table:
            seen = items.value.positions(seen_items(block, pairs))
            return function(best_items(block, seen, items.value, k))

        return self.users.applyInArrow(rank, schema)


def blocked_recommendations(
    users: DataFrame, tables: Mapping[str, Columns], settings: RecommendSettings
) -> BlockedRecommendations:
    """Collect the items, and cut the users and their interactions into blocks.

    Args:
        users: Vectors of the users to recommend to.
        tables: `vectors`, `interactions`, `user_ids` and `item_ids`.
        settings: Settings.

    Raises:
        InputError: As raised by `recommendations.choose_items`, `keyed_vectors.collect_vectors` and
            `space_rows.require_one_space`.
    """
    frames = {name: columns.frame for name, columns in tables.items()}
    with ThreadPoolExecutor() as pool:  # small Spark jobs, which mostly wait
        space = pool.submit(require_one_space, frames["vectors"])
        collected = pool.submit(_collect_items, frames, settings)
        pairs = tables["interactions"].select("user_id", "item_id")
        blocks = beside_seen(
            users, pairs if settings.exclude_seen else None, frames["user_ids"], k=settings.k
        )
        space.result()  # raises before anything is written
    items = users.sparkSession.sparkContext.broadcast(collected.result())
    return BlockedRecommendations(blocks, items, settings.k)


def _collect_items(frames: Mapping[str, DataFrame], settings: RecommendSettings) -> KeyedVectors:
    candidates = choose_items(
        frames["vectors"], only=settings.candidate_items, without=settings.excluded_items
    )
    items = collect_vectors(
        candidates,
        frames["item_ids"].select("key", "id", "is_retired"),
        is_normalised=settings.metric == "cosine",
        max_megabytes=settings.max_catalogue_megabytes,
    )
    if not settings.popularity_discount:
        return items
    counts = train_counts(frames["interactions"], items)
    return discounted(items, counts, settings.popularity_discount)
