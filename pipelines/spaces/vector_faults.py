"""Faults of vectors, counted in batches: Spark's functions of array elements are interpreted."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FAULTS = ("wrong_dimension", "non_finite", "null_components", "zero_vectors", "wrong_norm")
_SCHEMA = ", ".join(["entity string", *(f"{name} bigint" for name in FAULTS)])
_NORM_TOLERANCE = 1e-3  # largest error of a norm: absolute below 1, else relative
_Flags = np.ndarray


def count_faults(vectors: DataFrame, *, dimension: int) -> DataFrame:
    """Return one row per entity: `entity`, and the vectors that have each of `FAULTS`.

    Args:
        vectors: Rows of one space.
        dimension: Components that each vector must have.
    """
    counted = vectors.select("entity", "vector", "norm").mapInArrow(_counting(dimension), _SCHEMA)
    return counted.groupBy("entity").agg(*(F.sum(name).alias(name) for name in FAULTS))


def _counting(dimension: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield _by_entity(batch.column("entity"), find_faults(batch, dimension))

    return count


def _by_entity(entities: pa.Array, faults: dict[str, _Flags]) -> pa.RecordBatch:
    table = pa.table({"entity": entities, **{k: v.astype(np.int64) for k, v in faults.items()}})
    grouped = table.group_by("entity").aggregate([(name, "sum") for name in FAULTS])
    columns = [grouped["entity"], *(grouped[f"{name}_sum"] for name in FAULTS)]
    return pa.RecordBatch.from_arrays(
        [column.combine_chunks() for column in columns], names=["entity", *FAULTS]
    )


def find_faults(batch: pa.RecordBatch, dimension: int) -> dict[str, _Flags]:
    """Return for each of `FAULTS` which rows of a batch have it.

    A vector with a null has no length that could be wrong or zero.
    """
    lists, count = batch.column("vector"), batch.num_rows
    lengths = pc.fill_null(lists.value_lengths(), 0).to_numpy(zero_copy_only=False)
    values = lists.flatten()
    row = np.repeat(np.arange(count), lengths)
    is_null = values.is_null().to_numpy(zero_copy_only=False)
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    is_bad, has_null = (
        np.bincount(row[flags], minlength=count) > 0 for flags in (~np.isfinite(numbers), is_null)
    )
    with np.errstate(invalid="ignore", over="ignore"):
        squares = np.bincount(row, weights=numbers * numbers, minlength=count)
        norms = batch.column("norm").to_numpy(zero_copy_only=False).astype(np.float64)
        error, most = np.abs(np.sqrt(squares) - norms), _NORM_TOLERANCE * np.maximum(norms, 1.0)
        is_wrong = (error > most) | (np.isnan(error) & ~np.isnan(most))
    found = (lengths != dimension, is_bad, has_null, ~has_null & (squares == 0))
    return dict(zip(FAULTS, (*found, ~has_null & is_wrong), strict=True))
