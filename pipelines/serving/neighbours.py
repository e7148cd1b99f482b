"""Exact neighbours of a few keys: tasks compare every vector with all queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, as_matrix, normalised
from pipelines.arrays.ragged import Ragged
from pipelines.errors import InputError
from pipelines.ranking.top_k import top_k
from schemas import NEIGHBOURS

_NEAR_KEYS = 3  # keys named in a message
_LEAST_SCORE, _GREATEST_SCORE = -1.0, 1.0  # bounds of a cosine


@dataclass(frozen=True)
class Queries:
    """Keys to find the neighbours of, with their vectors.

    Args:
        entity: Kind of the keys.
        keys: Keys that have a vector, in the order of the configuration.
        matrix: Their vectors, `(n, d)`.
        unknown: Keys without a vector.
    """

    entity: str
    keys: list[str]
    matrix: Floats
    unknown: list[str]


def fetch_queries(vectors: DataFrame, keys: Sequence[str], *, entity: str) -> Queries:
    """Fetch the vectors of the queries to the driver.

    Args:
        vectors: Vectors of one space.
        keys: Keys, as many as the configuration lists.
        entity: Kind of the keys.

    Raises:
        InputError: None of them has a vector; the message names the nearest spellings.
    """
    same_kind = vectors.where(F.col("entity") == entity)
    table = same_kind.where(F.col("key").isin(list(keys))).select("key", "vector").toArrow()
    rows = {key: row for row, key in enumerate(table["key"].to_pylist())}
    wanted = list(dict.fromkeys(keys))
    known = [key for key in wanted if key in rows]
    if wanted and not known:
        near = near_keys(same_kind, wanted[0])
        hint = f"nearest to {wanted[0]!r}: {', '.join(near)}" if near else "the table has none"
        raise InputError(f"no {entity} of these has a vector: {', '.join(wanted[:10])}; {hint}")
    matrix = as_matrix(table["vector"])[[rows[key] for key in known]]
    return Queries(entity, known, matrix, [key for key in wanted if key not in rows])


def near_keys(vectors: DataFrame, key: str) -> list[str]:
    """Return the keys that are spelled most like one, by edit distance without regard to case."""
    distance = F.levenshtein(F.lower("key"), F.lower(F.lit(key)))
    nearest = vectors.select("key", distance.alias("distance")).orderBy("distance", "key")
    return [row["key"] for row in nearest.limit(_NEAR_KEYS).collect()]


def find_nearest(vectors: DataFrame, queries: Queries, *, k: int, metric: str) -> DataFrame:
    """Return the nearest vectors of each query, itself left out; equal scores are ordered by key.

    Each Arrow batch yields its k best per query, exactly, and a window picks among these: k rows
    per batch and query are shuffled.

    Args:
        vectors: Vectors of one space.
        queries: Keys and their vectors.
        k: Neighbours per query.
        metric: `cosine` or `dot`.

    Returns:
        Rows of `neighbours`.
    """
    is_cosine, entity = metric == "cosine", queries.entity

    def best_of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield _best_of_batch(batch, queries, k, is_cosine)

    candidates = (
        vectors.where(F.col("entity") == entity)
        .select("space_id", "key", "vector")
        .mapInArrow(best_of_batches, "space_id string, query string, key string, score float")
    )
    return _best_of_all(candidates, entity, k)


def _best_of_all(candidates: DataFrame, entity: str, k: int) -> DataFrame:
    """Return rows of `neighbours`: the k best candidates of each query."""
    best_first = Window.partitionBy("space_id", "query").orderBy(F.desc("score"), "key")
    ranked = candidates.withColumn("place", F.row_number().over(best_first)).where(
        F.col("place") <= k
    )
    gathered = F.array_sort(F.collect_list(F.struct("place", "key", "score")))
    scored = F.transform(gathered, lambda one: F.struct(one["key"], one["score"]))
    return (
        ranked.groupBy("space_id", F.col("query").alias("query_key"))
        .agg(scored.alias("neighbours"))
        .select(
            "space_id", F.lit(entity).alias("entity"), F.col("query_key").alias("key"), "neighbours"
        )
        .select(NEIGHBOURS.column_names)
    )


def _best_of_batch(
    batch: pa.RecordBatch, queries: Queries, k: int, is_cosine: bool
) -> pa.RecordBatch:
    batch = batch.sort_by("key")  # top_k orders equal scores by row
    matrix = as_matrix(batch.column("vector"), dimension=queries.matrix.shape[1])
    query_matrix, keys = queries.matrix, batch.column("key")
    if is_cosine:
        matrix, query_matrix = normalised(matrix), normalised(query_matrix)
    own = pc.fill_null(pc.index_in(pa.array(queries.keys), value_set=keys), -1)
    itself = Ragged(np.arange(len(query_matrix) + 1), own.to_numpy().astype(np.int64))
    rows, scores = top_k(query_matrix, matrix, k=min(k, len(matrix)), masked=itself)
    if is_cosine:
        scores = np.where(rows >= 0, np.clip(scores, _LEAST_SCORE, _GREATEST_SCORE), scores)
    query, place = np.nonzero(rows >= 0)
    return pa.RecordBatch.from_arrays(
        [
            batch.column("space_id").take(pa.array(np.zeros(len(query), dtype=np.int64))),
            pa.array(queries.keys).take(pa.array(query)),
            keys.take(pa.array(rows[query, place])),
            pa.array(scores[query, place], pa.float32()),
        ],
        ["space_id", "query", "key", "score"],
    )


def neighbour_lines(neighbours: DataFrame, queries: Queries) -> list[str]:
    """Return a line of text per query, in their order, and one line of the unknown keys.

    Args:
        neighbours: Rows of `neighbours`, at most k keys per query.
        queries: The queries.
    """
    names = neighbours.where(F.col("entity") == queries.entity)
    names_of = {
        row["key"]: row["names"]
        for row in names.select("key", F.col("neighbours.key").alias("names")).collect()
    }
    lines = [f"{key}: {', '.join(names_of.get(key) or ['nothing'])}" for key in queries.keys]
    unknown = ", ".join(queries.unknown)
    return [*lines, f"unknown {queries.entity}: {unknown}"] if unknown else lines


def find_similar(
    vectors: DataFrame, keys_by_entity: Mapping[str, Sequence[str]], *, k: int
) -> tuple[DataFrame, list[str]]:
    """Return the neighbours by cosine of keys of several entities, and their lines of text.

    Args:
        vectors: Vectors of one space.
        keys_by_entity: Keys by entity; an entity without keys is left out.
        k: Neighbours per key.

    Returns:
        Persisted rows of `neighbours`, which the caller unpersists, and the lines of all keys.
    """
    similar = vectors.sparkSession.createDataFrame([], NEIGHBOURS.schema())
    all_queries = [
        fetch_queries(vectors, keys, entity=entity)
        for entity, keys in keys_by_entity.items()
        if keys
    ]
    for queries in all_queries:
        similar = similar.unionByName(find_nearest(vectors, queries, k=k, metric="cosine"))
    similar = similar.coalesce(1).persist(StorageLevel.MEMORY_AND_DISK)
    return similar, [
        f"like {line}" for queries in all_queries for line in neighbour_lines(similar, queries)
    ]
