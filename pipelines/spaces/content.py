"""The content of a space: its dimension, its number of rows, and their checksum."""

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.errors import InputError


def with_space(trained: DataFrame, space_id: str) -> DataFrame:
    """Return rows of `vectors` from `entity, key, vector`; `norm` is added where it is missing."""
    if "norm" not in trained.columns:
        squares = F.aggregate("vector", F.lit(0.0), lambda total, x: total + x.cast("double") * x)
        trained = trained.withColumn("norm", F.sqrt(squares).cast("float"))
    return trained.select(F.lit(space_id).alias("space_id"), "entity", "key", "vector", "norm")


def measure_content(vectors: DataFrame) -> dict[str, Any]:
    """Return `dimension, row_count, checksum` of one space in one pass.

    The checksum is the sum of the rows' xxHash64 modulo 2**64: it does not depend on their order.

    Raises:
        InputError: There are no rows.
    """
    row = vectors.agg(*_content()).first()
    return _described(row.asDict() if row else {})


def observed_content(vectors: DataFrame) -> tuple[DataFrame, Callable[[], dict[str, Any]]]:
    """Return the same rows, and a function that returns their content once they are written.

    No further pass over the rows is made. The content is that of the frame; the gate and the
    publication measure the stored rows and compare.
    """
    observed = Observation()
    return vectors.observe(observed, *_content()), lambda: _described(observed.get)


def _content() -> list[Column]:
    hashed = F.xxhash64("space_id", "entity", "key", "vector").cast("decimal(38,0)")
    return [
        F.max(F.size("vector")).alias("dimension"),
        F.count(F.lit(1)).alias("row_count"),
        F.sum(hashed).alias("total"),
    ]


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    if not row.get("row_count"):
        raise InputError("the space holds no vectors")
    checksum = format(int(row["total"]) % (1 << 64), "016x")
    return {"dimension": row["dimension"], "row_count": row["row_count"], "checksum": checksum}
