"""The rows to solve with their pairs, checked as training checks them, and counted."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.checks import is_bad_weight, lacks_id
from pipelines.als.fold_in.config import FoldInSettings
from pipelines.als.objective import Objective
from pipelines.als.sides import opposite_entity
from pipelines.als.vectors import known_key
from pipelines.arrays.ragged import as_ragged

_COUNTS = ["rows", "pairs", "unknown"]


def gather_rows(
    frames: Mapping[str, DataFrame], settings: FoldInSettings, objective: Objective
) -> DataFrame:
    """Return the rows to solve, each with its pairs: `id, key, opposite, weights`.

    A weight that training would refuse, or an id without a key, fails the query that reads them.
    """
    own, other = f"{settings.entity}_id", f"{opposite_entity(settings.entity)}_id"
    pairs = frames["interactions"].where(F.col("split").isin(list(settings.splits)))
    cell = F.struct(F.col(other).alias("opposite"), _usable_weight(objective).alias("weight"))
    cells = F.array_sort(F.collect_list(cell))  # a fixed order makes sums the same in every run
    rows = pairs.groupBy(F.col(own).alias("id")).agg(cells.alias("cells"))
    rows = rows.withColumn("cells", _without_repeats(own, other))
    ids = frames[f"{settings.entity}_ids"].select("id", "key")
    keyed = rows.join(ids, "id", "left").withColumn("key", known_key(f"{settings.entity}_ids"))
    if settings.only_new:
        known = frames["vectors"].where(F.col("entity") == settings.entity).select("key")
        keyed = keyed.join(known, "key", "left_anti")
    return keyed.select("id", "key", "cells.opposite", F.col("cells.weight").alias("weights"))


def _usable_weight(objective: Objective) -> Column:
    """Return the weight; a pair that training would refuse fails the query with a message."""
    pair = {"weight": "weight ", "user_id": " of user_id ", "item_id": ", item_id "}
    named = [
        F.concat(F.lit(before), F.coalesce(F.col(name).cast("string"), F.lit("null")))
        for name, before in pair.items()
    ]
    refused = F.concat(F.lit("inputs.interactions: "), *named, F.lit(" cannot be used"))
    is_bad = is_bad_weight(objective.name) | lacks_id()
    return F.when(is_bad, F.raise_error(refused)).otherwise(F.col("weight"))


def _without_repeats(own: str, other: str) -> Column:
    """Return column `cells`; a pair that occurs twice fails the query, as in training."""
    before = F.lit(f"inputs.interactions: a pair of {own} ")
    after = F.lit(
        f" and some {other} is there more than once; build_interactions makes one row of a pair"
    )
    is_repeated = F.size(F.array_distinct("cells.opposite")) < F.size("cells")
    repeated = F.raise_error(F.concat(before, "id", after))
    return F.when(is_repeated, repeated).otherwise(F.col("cells"))


def count_pairs(rows: DataFrame, shared: Any) -> tuple[int, int, int]:
    """Return the number of rows, of their pairs, and of pairs whose opposite has no vector.

    Args:
        rows: Frame of `gather_rows`.
        shared: Broadcast of the `FoldInSpace`.
    """

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            places = shared.value.opposite.positions(as_ragged(batch.column("opposite"))).values
            counts = (batch.num_rows, places.size, int((places < 0).sum()))
            yield pa.RecordBatch.from_arrays([pa.array([n]) for n in counts], names=_COUNTS)

    counted = rows.mapInArrow(count, ", ".join(f"{name} long" for name in _COUNTS))
    totals = counted.agg(*(F.coalesce(F.sum(name), F.lit(0)) for name in _COUNTS)).collect()[0]
    return totals[0], totals[1], totals[2]
