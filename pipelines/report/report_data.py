"""Data of the report, taken from one table each; its size does not grow with theirs."""

from collections.abc import Set
from itertools import groupby

import numpy as np
from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.report.facts import (
    Curve,
    Frequencies,
    Histogram,
    JobCounts,
    Listing,
    TableRow,
    WordMap,
)

BUCKETS = 200  # buckets of a histogram of norms
SHOWN_PER_LIST = 10  # neighbours or items shown per key
_RANKS = 200  # most sampled ranks of the vocabulary
_MOST_ROWS = 10_000  # most rows read from a table that grows with runs, not with data
_LEAST_SPREAD = 1e-3  # least width of a histogram, as a share of the largest norm


def count_rows(counts: DataFrame) -> list[JobCounts]:
    """Return the counts of each job, reasons of rejection by rows descending."""
    ordered = counts.orderBy("job", "kind", F.desc("value"), "count").limit(_MOST_ROWS)
    jobs: dict[str, JobCounts] = {}
    for row in ordered.collect():  # one row per job and reason
        job = jobs.setdefault(row["job"], JobCounts(row["job"]))
        sides = {"in": job.rows_in, "out": job.rows_out, "rejected": job.rejected}
        sides.get(row["kind"], job.measured)[row["count"]] = row["value"]
    return list(jobs.values())


def sample_frequencies(vocabulary: DataFrame) -> Frequencies | None:
    """Return the counts at some 200 ranks spaced evenly on a log scale; None without tokens."""
    total = vocabulary.agg(
        F.count(F.lit(1)).alias("tokens"),
        F.sum("count").alias("occurrences"),
        F.max("token_id").alias("last"),
    ).first()
    if total is None or not total["tokens"]:
        return None
    ranks = np.unique(np.rint(np.geomspace(1, total["last"] + 1, _RANKS)).astype(np.int64))
    is_sampled = F.col("token_id").isin(*(int(rank) - 1 for rank in ranks))
    rows = vocabulary.where(is_sampled).select("token_id", "count").orderBy("token_id").collect()
    return Frequencies(
        ranks=np.array([row["token_id"] + 1 for row in rows], dtype=np.int64),
        counts=np.array([row["count"] for row in rows], dtype=np.int64),
        tokens=total["tokens"],
        occurrences=total["occurrences"],
    )


def read_curves(history: DataFrame) -> list[Curve]:
    """Return each measure of each space by round."""
    measures = history.where("metric != 'epoch'")  # the epoch of each round is no measure
    ordered = measures.orderBy("space_id", "metric", "round").limit(_MOST_ROWS)
    rows = ordered.collect()  # measures per round of the published spaces
    return [
        Curve(space_id, metric, [r["round"] for r in group], [r["value"] for r in group])
        for (space_id, metric), rounds in groupby(rows, lambda r: (r["space_id"], r["metric"]))
        for group in [list(rounds)]
    ]


def count_norms(vectors: DataFrame) -> list[Histogram]:
    """Return a histogram of norms per space and entity, counted in 200 buckets by Spark."""
    group = ["space_id", "entity"]
    is_finite = F.abs("norm") < F.lit(float("inf"))  # Spark puts NaN above infinity
    finite = F.when(is_finite, F.col("norm").cast("double"))
    bounds = vectors.groupBy(*group).agg(F.min(finite).alias("least"), F.max(finite).alias("most"))
    least, most = F.col("least"), F.col("most")
    width = F.greatest(most - least, most * _LEAST_SPREAD, F.lit(1e-9))
    bounds = bounds.select(*group, width.alias("width"), ((least + most - width) / 2).alias("low"))
    place = F.floor((finite - F.col("low")) / F.col("width") * BUCKETS)
    bucket = F.greatest(F.least(place, F.lit(BUCKETS - 1)), F.lit(0))
    bucket = F.when(is_finite, bucket).otherwise(F.lit(-1)).cast("int")
    counted = (
        vectors.join(F.broadcast(bounds), group, "inner")
        .groupBy(*group, "low", "width", bucket.alias("bucket"))
        .count()
        .orderBy(*group, "bucket")
    )
    rows = counted.collect()  # at most 201 per space and entity
    return [
        _histogram(list(buckets))
        for _, buckets in groupby(rows, lambda r: (r["space_id"], r["entity"]))
    ]


def _histogram(rows: list[Row]) -> Histogram:
    counts, first = np.zeros(BUCKETS, dtype=np.int64), rows[0]
    for row in rows:
        if row["bucket"] >= 0:
            counts[row["bucket"]] = row["count"]
    low = first["low"] or 0.0
    not_finite = sum(row["count"] for row in rows if row["bucket"] < 0)
    return Histogram(
        first["space_id"], first["entity"], low, low + (first["width"] or 1.0), counts, not_finite
    )


def take_frequent(vectors: DataFrame, vocabulary: DataFrame, *, words: int) -> WordMap | None:
    """Return the vectors of the most frequent words; None where no word has one.

    Raises:
        InputError: The vectors are of several spaces, which cannot share a map.
    """
    ranked = vocabulary.orderBy(F.desc("count"), "token_id").limit(words)  # ids need not be ranks
    frequent = ranked.select("token_id", "token", "count")
    of_words = vectors.where(F.col("entity") == "word")
    named = of_words.join(F.broadcast(frequent), F.col("key") == F.col("token"), "inner")
    chosen = named.orderBy(F.desc("count"), "token_id").select("token", "space_id", "vector")
    rows = chosen.collect()  # as many as the map has words
    spaces = sorted({row["space_id"] for row in rows})
    if len(spaces) > 1:
        raise InputError(
            f"inputs.word_vectors mixes the spaces {', '.join(spaces[:2])}; "
            "set it to a published table, which holds one"
        )
    if not rows:
        return None
    matrix = np.array([row["vector"] for row in rows], dtype=np.float64)
    sound = np.flatnonzero(np.isfinite(matrix).all(axis=1))
    return WordMap(spaces[0], [rows[i]["token"] for i in sound], matrix[sound])


def by_user(recommendations: DataFrame) -> DataFrame:
    """Return recommendations with the columns of a list: `space_id, entity, key, items`."""
    return recommendations.select(
        "space_id", F.lit("user").alias("entity"), F.col("user").alias("key"), "items"
    )


def sample_lists(lists: DataFrame, column: str, *, sample_count: int, seed: int) -> list[Listing]:
    """Return some keys per space and entity, chosen by a hash, with the best of their lists.

    Args:
        lists: Frame of `space_id, entity, key` and `column`, an array of key and score.
        column: Name of the array.
        sample_count: Keys per space and entity.
        seed: Chooses the keys.
    """
    group: list[Column] = [F.col("space_id"), F.col("entity")]
    chance = [F.xxhash64(F.lit(seed), "key"), F.col("key")]
    nth = F.row_number().over(Window.partitionBy(*group).orderBy(*chance))
    best = F.slice(F.col(column), 1, SHOWN_PER_LIST).alias("best")
    sampled = lists.withColumn("_nth", nth).where(F.col("_nth") <= sample_count)
    rows = sampled.select("space_id", "entity", "key", best).orderBy(*group, "key").collect()
    return [
        Listing(
            row["space_id"],
            row["entity"],
            row["key"],
            [(x["key"], x["score"]) for x in row["best"]],
        )
        for row in rows
    ]


def read_metrics(metrics: DataFrame) -> list[TableRow]:
    """Return all measures and checks, failures first."""
    place = F.array_position(F.array(*map(F.lit, ("errored", "failed", "passed"))), F.col("status"))
    ordered = metrics.orderBy(
        "space_id", F.when(place > 0, place).otherwise(F.lit(9)), "job", "entity", "metric"
    )
    return [row.asDict() for row in ordered.limit(_MOST_ROWS).collect()]  # one per check


def registered_spaces(registry: DataFrame, in_tables: Set[str]) -> list[TableRow]:
    """Return the registry's rows of published spaces and of those in the given vectors."""
    is_shown = (F.col("state") == "published") | F.col("space_id").isin(*sorted(in_tables))
    shown = registry.where(is_shown).orderBy("name", F.desc("updated_at"), "space_id")
    shown = shown.withColumn("updated_at", F.date_format("updated_at", "yyyy-MM-dd HH:mm:ss"))
    return [row.asDict() for row in shown.limit(100).collect()]  # one per published table


def count_others(registry: DataFrame, published: Set[str]) -> dict[str, int]:
    """Count the spaces that are not shown, by state."""
    others = registry.where(~F.col("space_id").isin(*sorted(published)))
    rows = others.groupBy("state").count().orderBy("state").collect()  # one per state
    return {row["state"]: row["count"] for row in rows}
