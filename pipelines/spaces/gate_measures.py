"""Measures of a space for the gate: numbers per entity, computed on the cluster."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster.threads import at_once
from pipelines.spaces.vector_faults import count_faults

_SUMS = "entity string, vectors bigint, total array<double>"  # Spark's form of _SUMS_SCHEMA
_SUMS_SCHEMA = pa.schema(
    {"entity": pa.string(), "vectors": pa.int64(), "total": pa.list_(pa.float64())}
)


def measure_entities(vectors: DataFrame, *, dimension: int) -> dict[str, dict[str, float]]:
    """Measure one space's vectors per entity; the driver sees one row per entity.

    Args:
        vectors: Rows of one space.
        dimension: Components that each vector must have.

    Returns:
        By entity: `vectors`, `duplicate_keys`, `wrong_dimension`, `non_finite`, `null_components`,
        `zero_vector_share`, `wrong_norm`, and norm quantiles `norm_p01, norm_p50, norm_p99`.
    """
    rows = vectors.groupBy("entity").agg(
        F.count(F.lit(1)).alias("vectors"),
        F.percentile_approx("norm", [0.01, 0.5, 0.99]).alias("quantiles"),
    )
    # counted apart: beside a distinct count Spark keeps each other aggregate for every key
    keys = vectors.groupBy("entity").agg(F.count_distinct("key").alias("keys"))
    faults = count_faults(vectors, dimension=dimension)
    collects = rows.collect, keys.collect, faults.collect  # one row per entity each
    parts = at_once(vectors.sparkSession, *collects)
    found: dict[str, dict[str, Any]] = {}
    for row in (row for part in parts for row in part):
        found.setdefault(row["entity"], {}).update(row.asDict())
    return {entity: _measures(row) for entity, row in found.items()}


def _measures(row: dict[str, Any]) -> dict[str, float]:
    low, middle, high = row["quantiles"] or (None, None, None)
    return {
        "vectors": row["vectors"],
        "duplicate_keys": row["vectors"] - row["keys"],
        "wrong_dimension": row["wrong_dimension"],
        "non_finite": row["non_finite"],
        "null_components": row["null_components"],
        "zero_vector_share": row["zero_vectors"] / row["vectors"],
        "wrong_norm": row["wrong_norm"],
        "norm_p01": low,
        "norm_p50": middle,
        "norm_p99": high,
    }


def mean_cosines(vectors: DataFrame) -> dict[str, float | None]:
    """Return per entity the mean cosine over all pairs of distinct vectors.

    For unit vectors u_1 … u_n it is (|sum u_i|**2 - n) / (n (n - 1)), from one sum per batch.
    Left out are vectors that are zero, not finite, or of another length than most of their batch;
    the gate counts them.
    """
    sums = vectors.select("entity", "vector").mapInArrow(unit_sums, _SUMS)
    totals: dict[str, tuple[int, np.ndarray[Any, Any]]] = {}
    for row in sums.collect():  # one vector per batch and entity
        count, total = totals.get(row["entity"], (0, 0.0))
        totals[row["entity"]] = (count + row["vectors"], total + np.array(row["total"]))
    return {entity: _mean_cosine(count, total) for entity, (count, total) in totals.items()}


def _mean_cosine(count: int, total: Any) -> float | None:
    return float((total @ total - count) / (count * (count - 1))) if count > 1 else None


def unit_sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Sum each batch's unit vectors per entity."""
    for batch in batches:
        if batch.num_rows:
            units, entities = _units(batch)
            yield _sums(units, entities)


def _units(batch: pa.RecordBatch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the vectors of the most frequent length as unit vectors, and their entities."""
    lists = batch.column("vector")
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    size = int(np.bincount(lengths.astype(np.int64)).argmax())
    fits = lengths == size
    dense = lists.filter(pa.array(fits)).flatten().to_numpy(zero_copy_only=False)
    matrix = dense.reshape(-1, size).astype(np.float64)
    norms = np.linalg.norm(matrix, axis=1)
    sound = np.isfinite(norms) & (norms > 0)
    entities = np.array(batch.column("entity").to_pylist())
    return matrix[sound] / norms[sound, None], entities[fits][sound]


def _sums(units: np.ndarray[Any, Any], entities: np.ndarray[Any, Any]) -> pa.RecordBatch:
    rows = [
        {
            "entity": name,
            "vectors": int((entities == name).sum()),
            "total": units[entities == name].sum(axis=0).tolist(),
        }
        for name in sorted(set(entities.tolist()))
    ]
    return pa.RecordBatch.from_pylist(rows, schema=_SUMS_SCHEMA)


def coverage(vectors: DataFrame, keys: DataFrame) -> float:
    """Return the share of keys (one column, `key`) that have a vector."""
    present = vectors.select("key").distinct().withColumn("has_vector", F.lit(1))
    has_vector = F.coalesce("has_vector", F.lit(0))
    row = keys.join(present, "key", "left").agg(F.avg(has_vector).alias("share")).first()
    return float(row["share"]) if row and row["share"] is not None else 1.0
