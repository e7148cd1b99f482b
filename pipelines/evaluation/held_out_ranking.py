"""Recommendations of a space measured on held-out interactions, over the full catalogue."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, Indices
from pipelines.arrays.offsets import offsets_of
from pipelines.cluster import progress
from pipelines.evaluation import bootstrap, item_knn
from pipelines.evaluation.config import RecommendationEvaluationSettings
from pipelines.evaluation.measures import Measure
from pipelines.evaluation.ranking_task import Ranker, RankingTask, UserBatch
from pipelines.ranking.keyed_vectors import collect_vectors, items_by_user, train_counts
from pipelines.ranking.metrics import METRICS, find_hits, measure_ranking

_OF_ITEMS = ("novelty", "mean_popularity")  # metrics of all recommended items, hits or not
_PER_USER = (*METRICS, *_OF_ITEMS)  # metrics that every user has
_ITEMS = "items"  # column of the recommended catalogue rows


def evaluate_recommendations(
    vectors: DataFrame,
    interactions: DataFrame,
    settings: RecommendationEvaluationSettings,
    *,
    user_ids: DataFrame,
    item_ids: DataFrame,
    metric: str = "dot",
) -> list[Measure]:
    """Measure the recommendations of a space and of baselines to the users of a held-out split.

    Args:
        vectors: Vectors of users and items of one space.
        interactions: Rows of `interactions`.
        settings: Split, number of items, and baselines.
        user_ids: Rows of `user_ids`.
        item_ids: Rows of `item_ids`.
        metric: `dot` or `cosine`: the space's metric in the registry.

    Raises:
        InputError: The space has no items, or more than `max_catalogue_megabytes` of them.
    """
    catalogue = collect_vectors(
        vectors,
        item_ids.select("key", "id"),
        is_normalised=metric == "cosine",
        max_megabytes=settings.max_catalogue_megabytes,
    )
    popularity = train_counts(interactions, catalogue)
    shared = vectors.sparkSession.sparkContext.broadcast((catalogue, popularity))
    task = _ranking_task(settings)
    users = held_out_users(interactions, user_ids, vectors, split=settings.split)
    if Ranker.ITEM_KNN in task.rankers:
        users = _with_item_knn(users, interactions, settings)
    scored = score_users(users, shared, task).persist(StorageLevel.DISK_ONLY)
    try:
        size = len(catalogue.ids)
        with progress.step("ranking held-out users"):
            return summarise(scored, task, split=settings.split, catalogue_size=size)
    finally:
        scored.unpersist()


def _ranking_task(settings: RecommendationEvaluationSettings) -> RankingTask:
    rankers = [Ranker.SPACE, Ranker.POPULARITY]
    rankers += [Ranker.ITEM_KNN] if settings.item_knn_neighbours else []
    rankers += [Ranker.SAMPLED] if settings.sampled_items else []
    return RankingTask(rankers, settings.k, settings.sampled_items, settings.seed)


def _with_item_knn(
    users: DataFrame, interactions: DataFrame, settings: RecommendationEvaluationSettings
) -> DataFrame:
    train = interactions.where("split = 'train'").select("user_id", "item_id")
    similar = item_knn.similar_items(
        train, neighbours=settings.item_knn_neighbours, seed=settings.seed
    )
    return item_knn.recommend(users, similar, k=settings.k, column=Ranker.ITEM_KNN.value)


def held_out_users(
    interactions: DataFrame, user_ids: DataFrame, vectors: DataFrame, *, split: str
) -> DataFrame:
    """Return one row per user of a split, with or without a vector.

    Args:
        interactions: Pairs with their split.
        user_ids: Dense ids by key.
        vectors: Vectors of one space.
        split: The held-out part.

    Returns:
        `user_id, held_out, seen, vector`: lists of item ids of the split and of train. `seen` and
        `vector` may be null.
    """
    held_out = items_by_user(interactions.where(F.col("split") == split), name="held_out")
    seen = items_by_user(interactions.where(F.col("split") == "train"), name="seen")
    users = vectors.where(F.col("entity") == "user").select("key", "vector")
    by_id = user_ids.select(F.col("id").alias("user_id"), "key").join(users, "key")
    return (
        held_out.join(seen, "user_id", "left")
        .join(by_id, "user_id", "left")
        .select("user_id", "held_out", "seen", "vector")
    )


def score_users(users: DataFrame, shared: Any, task: RankingTask) -> DataFrame:
    """Recommend to each user by every ranker of a task, and measure the recommendations.

    No ranker recommends items that the user has in train. Held-out items without a vector count as
    missed. The space recommends nothing to a user without a vector.

    Args:
        users: Frame of `held_out_users`, with the lists of `item_knn` where that is a baseline.
        shared: Broadcast of `(catalogue, popularity)`.
        task: Rankers and numbers of items.

    Returns:
        One row per user: every metric of each ranker, and the recommended rows of the catalogue.
    """
    metrics = [ranker.named(metric) for ranker in task.rankers for metric in _PER_USER]
    schema = ", ".join(
        [
            "user_id long, has_vector boolean, held_out_count int",
            *(f"{name} double" for name in metrics),
            *(f"{ranker.named(_ITEMS)} array<int>" for ranker in task.rankers),
        ]
    )

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        catalogue, popularity = shared.value
        for batch in batches:
            yield _score_batch(UserBatch.of(batch, catalogue), popularity, task)

    return users.mapInArrow(score, schema)


def _score_batch(users: UserBatch, popularity: Floats, task: RankingTask) -> pa.RecordBatch:
    counts = users.held_out.counts  # items without a vector included
    columns = {
        "user_id": pa.array(users.user_ids),
        "has_vector": pa.array(users.has_vector),
        "held_out_count": pa.array(counts, pa.int32()),
    }
    lists = {}
    for ranker in task.rankers:
        recommended = task.recommend(ranker, users, popularity)
        measured = measure_ranking(find_hits(recommended, users.held_out), counts)
        measured |= zip(_OF_ITEMS, _measure_popularity(recommended, popularity), strict=True)
        columns |= {ranker.named(name): pa.array(values) for name, values in measured.items()}
        lists[ranker.named(_ITEMS)] = _lists(recommended)
    columns |= lists
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _measure_popularity(recommended: Indices, popularity: Floats) -> list[Any]:
    """Return the mean novelty and the mean popularity of each user's items; NaN without items.

    Novelty is -log2 of an item's share of all training pairs (Zhou et al. 2010), in bits;
    popularity is its number of users in train.
    """
    is_item = recommended >= 0
    counts = np.where(is_item, np.maximum(popularity[recommended], 1), np.nan).astype(np.float64)
    sizes = np.maximum(np.count_nonzero(is_item, axis=1), 1)
    bits = -np.log2(counts / max(popularity.sum(), 1))
    is_empty = ~is_item.any(axis=1)
    return [np.where(is_empty, np.nan, np.nansum(each, axis=1) / sizes) for each in (bits, counts)]


def _lists(recommended: Indices) -> Any:
    offsets = offsets_of(np.count_nonzero(recommended >= 0, axis=1)).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(recommended[recommended >= 0], pa.int32()))


def resample(scored: DataFrame, *, seed: int) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of the space's ranking metrics, by bootstrap over users."""
    names = [Ranker.SPACE.named(metric) for metric in METRICS]
    shape = (bootstrap.RESAMPLES, 1 + len(names))

    def sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = np.zeros(shape)
        for batch in batches:
            ids = batch.column("user_id").to_numpy()
            values = np.column_stack([batch.column(name).to_numpy() for name in names])
            total += bootstrap.resampled_sums(ids, values, seed=seed)
        yield pa.RecordBatch.from_arrays([pa.array([total.tobytes()])], names=["sums"])

    chosen = scored.select("user_id", *names)
    parts = chosen.mapInArrow(sums, "sums binary").collect()  # one row of 28 kB per task
    total = np.sum([np.frombuffer(part[0]).reshape(shape) for part in parts], axis=0)
    return {name: bootstrap.interval(total, n) for n, name in enumerate(METRICS)}


def summarise(
    scored: DataFrame, task: RankingTask, *, split: str, catalogue_size: int
) -> list[Measure]:
    """Return the means over users, coverage and counts; a split without users has `users` alone.

    Args:
        scored: Frame of `score_users`, persisted: it is read several times.
        task: The task that the users were scored by.
        split: The held-out part, for the details.
        catalogue_size: Items that could be recommended.
    """
    names = [ranker.named(metric) for ranker in task.rankers for metric in _PER_USER]
    means = scored.agg(
        F.count(F.lit(1)).alias("users"),
        F.count_if("has_vector").alias("with_vector"),
        F.sum("held_out_count").alias("pairs"),
        *(F.mean(F.nanvl(name, F.lit(None))).alias(name) for name in names),
    ).collect()[0]
    measures = [Measure("users", means["users"], f"{split} split")]
    if not means["users"]:
        return measures
    measures += [
        Measure("users_without_vector", means["users"] - means["with_vector"]),
        Measure("held_out_pairs", means["pairs"]),
    ]
    intervals = resample(scored, seed=task.seed)
    for ranker in task.rankers:
        for metric in _PER_USER:
            name, detail = ranker.named(metric), f"{split} split"
            if ranker is Ranker.SPACE and metric in intervals:
                low, high = intervals[metric]
                detail += f", 95 % of resamples in {low:.4f} to {high:.4f}"
            measures.append(Measure(f"{name}_at_{task.k}", means[name], detail))
        measures.append(_measure_coverage(scored, ranker, task.k, catalogue_size))
    return measures


def _measure_coverage(scored: DataFrame, ranker: Ranker, k: int, catalogue_size: int) -> Measure:
    items = scored.select(F.explode(ranker.named(_ITEMS)).alias("item"))
    recommended = items.distinct().count()
    return Measure(
        f"{ranker.named('catalogue_coverage')}_at_{k}",
        recommended / catalogue_size,
        f"{recommended} of {catalogue_size} items recommended to someone",
    )
