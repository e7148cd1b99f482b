"""Recommendations of a space against held-out interactions, over the full catalogue."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, Indices
from pipelines.evaluation import bootstrap
from pipelines.evaluation.lists import Asked, Judging
from pipelines.evaluation.measures import Measure
from pipelines.ranking.keyed_vectors import items_by_user
from pipelines.ranking.metrics import METRICS, find_hits, measure_ranking

_SHOWN = ("novelty", "mean_popularity")
_ITEMS = "items"


def held_out_users(
    interactions: DataFrame, user_ids: DataFrame, vectors: DataFrame, *, split: str
) -> DataFrame:
    """Return one row per user of a split, also those without a vector.

    Args:
        interactions: Pairs with their split.
        user_ids: Dense ids by key.
        vectors: Vectors of one space.
        split: The held-out part.

    Returns:
        `user_id, held_out, seen, vector`: item ids of the split and of train, lists or null.
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


def judge_users(users: DataFrame, shared: Any, how: Judging) -> DataFrame:
    """Recommend to each user, by the space and by every baseline, and measure all of them.

    Items the user has in train are masked for all; held-out items that have no vector count as
    missed. A user without a vector gets nothing from the space.

    Args:
        users: Frame of `held_out_users`, with the lists of `item_knn` where that is a baseline.
        shared: Broadcast of `(catalogue, popularity)`.
        how: What is recommended.

    Returns:
        One row per user: every metric of each model, and the recommended rows of the catalogue.
    """
    models = how.models(users.columns)
    columns = [f"{model}{metric}" for model in models for metric in (*METRICS, *_SHOWN)]
    schema = ", ".join(
        [
            "user_id long, has_vector boolean, held_out_count int",
            *(f"{name} double" for name in columns),
            *(f"{model}{_ITEMS} array<int>" for model in models),
        ]
    )

    def judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        catalogue, popularity = shared.value
        for batch in batches:
            yield _judge_batch(Asked.of(batch, catalogue), popularity, how, models)

    return users.mapInArrow(judge, schema)


def _judge_batch(
    asked: Asked, popularity: Floats, how: Judging, models: Sequence[str]
) -> pa.RecordBatch:
    found = {
        "user_id": pa.array(asked.user_ids),
        "has_vector": pa.array(asked.has_vector),
        "held_out_count": pa.array(asked.held_out_counts, pa.int32()),
    }
    lists = {}
    for model in models:
        recommended = how.recommend(model, asked, popularity)
        measured = measure_ranking(find_hits(recommended, asked.held_out), asked.held_out_counts)
        shown = zip(_SHOWN, _tell_popularity(recommended, popularity), strict=True)
        found |= {f"{model}{name}": pa.array(v) for name, v in (*measured.items(), *shown)}
        lists[f"{model}{_ITEMS}"] = _lists(recommended)
    found |= lists
    return pa.RecordBatch.from_arrays(list(found.values()), list(found))


def _tell_popularity(recommended: Indices, popularity: Floats) -> list[Any]:
    """Return each user's mean surprise and mean popularity of what was recommended, nan for none.

    Novelty is -log2 of an item's share of all training pairs (Zhou et al. 2010), in bits.
    """
    is_item = recommended >= 0
    counts = np.where(is_item, np.maximum(popularity[recommended], 1), np.nan).astype(np.float64)
    sizes = np.maximum(np.count_nonzero(is_item, axis=1), 1)
    bits = -np.log2(counts / max(popularity.sum(), 1))
    is_empty = ~is_item.any(axis=1)
    return [np.where(is_empty, np.nan, np.nansum(each, axis=1) / sizes) for each in (bits, counts)]


def _lists(recommended: Indices) -> Any:
    counts = np.count_nonzero(recommended >= 0, axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(recommended[recommended >= 0], pa.int32()))


def resample(judged: DataFrame, *, seed: int) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of the space's ranking metrics, by bootstrap over users."""
    names = list(METRICS)
    shape = (bootstrap.RESAMPLES, 1 + len(names))

    def sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = np.zeros(shape)
        for batch in batches:
            ids = batch.column("user_id").to_numpy()
            values = np.column_stack([batch.column(name).to_numpy() for name in names])
            total += bootstrap.resampled_sums(ids, values, seed=seed)
        yield pa.RecordBatch.from_arrays([pa.array([total.tobytes()])], names=["sums"])

    chosen = judged.select("user_id", *names)
    parts = chosen.mapInArrow(sums, "sums binary").collect()  # one row of 28 kB per task
    total = np.sum([np.frombuffer(part[0]).reshape(shape) for part in parts], axis=0)
    return {name: bootstrap.interval(total, n) for n, name in enumerate(names)}


def summarise(
    judged: DataFrame, *, k: int, split: str, catalogue_size: int, seed: int
) -> list[Measure]:
    """Return the means over users, coverage and counts; a split without users has `users` alone.

    Args:
        judged: Frame of `judge_users`, persisted: it is read twice.
        k: Items per user.
        split: The held-out part, for the details.
        catalogue_size: Items that could be recommended.
        seed: Seed of the bootstrap.
    """
    models = [name.removesuffix(_ITEMS) for name in judged.columns if name.endswith(_ITEMS)]
    means = [
        F.mean(F.nanvl(f"{model}{metric}", F.lit(None))).alias(f"{model}{metric}")
        for model in models
        for metric in (*METRICS, *_SHOWN)
    ]
    row = judged.agg(
        F.count(F.lit(1)).alias("users"),
        F.count_if("has_vector").alias("with_vector"),
        F.sum("held_out_count").alias("pairs"),
        *means,
    ).collect()[0]
    measures = [Measure("users", row["users"], f"{split} split")]
    if not row["users"]:
        return measures
    measures += [
        Measure("users_without_vector", row["users"] - row["with_vector"]),
        Measure("held_out_pairs", row["pairs"]),
    ]
    ends = resample(judged, seed=seed)
    for model in models:
        measures += [
            Measure(f"{model}{metric}_at_{k}", row[f"{model}{metric}"], f"{split} split")
            for metric in (*METRICS, *_SHOWN)
        ]
        if not model:
            measures = [_with_interval(measure, k, ends) for measure in measures]
        shown = judged.select(F.explode(f"{model}items").alias("item")).distinct().count()
        measures.append(
            Measure(
                f"{model}catalogue_coverage_at_{k}",
                shown / catalogue_size,
                f"{shown} of {catalogue_size} items recommended to someone",
            )
        )
    return measures


def _with_interval(measure: Measure, k: int, ends: dict[str, tuple[float, float]]) -> Measure:
    found = ends.get(measure.metric.removesuffix(f"_at_{k}"))
    if found is None:
        return measure
    told = f"{measure.detail}, 95 % of resamples in {found[0]:.4f} to {found[1]:.4f}"
    return Measure(measure.metric, measure.value, told)
