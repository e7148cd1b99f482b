"""Vectors of new or changed users and items against a space that stays as it is."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from pipelines.als import sweep
from pipelines.als.cells.checks import is_bad_weight, is_nobody
from pipelines.als.config import TrainAlsConfig
from pipelines.als.fold_in_config import FoldInConfig
from pipelines.als.objective import Objective
from pipelines.als.sweep import Cells, Opposite, Solver
from pipelines.als.vectors import known_key, published_factors, solved_factors
from pipelines.arrays.matrices import as_lists
from pipelines.arrays.ragged import as_ragged
from pipelines.errors import InputError
from pipelines.ranking.keyed_vectors import KeyedVectors, collect_vectors

OPPOSITE = {"user": "item", "item": "user"}
_COUNTS = ["rows", "pairs", "unknown"]
_SCHEMA = "id int, vector array<float>, norm float"


@dataclass(frozen=True)
class FoldInSpace:
    """What a space is when rows are folded into it.

    Args:
        objective: What its training made least.
        is_nonnegative: Whether components must not be negative.
        opposite: The other side's vectors and dense ids.
    """

    objective: Objective
    is_nonnegative: bool
    opposite: KeyedVectors


def read_objective(parameters: str, history: DataFrame) -> tuple[Objective, bool]:
    """Return what a space's training made least, and whether its components are not negative.

    Args:
        parameters: Settings of its trainer as JSON, as the registry keeps them.
        history: `training_history` of the space.

    Raises:
        InputError: The space is not one of `train_als`'s native engine.
    """
    known = json.loads(parameters)
    if known.get("engine") != "native" or "objective" not in known:
        raise InputError(
            "embedding_spaces: the space was not trained by train_als with engine: native, so what "
            "a vector of it should make least is not known; name another by space_id"
        )
    config = TrainAlsConfig.model_validate(
        {name: value for name, value in known.items() if name in TrainAlsConfig.model_fields}
        | {
            "inputs": {"interactions": "-", "user_ids": "-", "item_ids": "-"},
            "outputs": {"vectors": "-"},
        }
    )
    row = history.where(F.col("metric") == "mean").select("value").first()
    return config.to_objective(float(row[0]) if row else 0.0), config.is_nonnegative


def freeze(frames: Mapping[str, DataFrame], config: FoldInConfig, parameters: str) -> FoldInSpace:
    """Collect what every task needs: the other side's vectors, at most as many as are allowed.

    Raises:
        InputError: They do not fit, or the space cannot be folded into.
    """
    objective, is_nonnegative = read_objective(parameters, frames["training_history"])
    opposite = collect_vectors(
        frames["vectors"],
        frames[f"{OPPOSITE[config.entity]}_ids"].select("key", "id"),
        entity=OPPOSITE[config.entity],
        is_normalised=False,
        max_megabytes=config.max_opposite_megabytes,
        setting="max_opposite_megabytes",
    )
    return FoldInSpace(objective, is_nonnegative, opposite)


def gather_rows(
    frames: Mapping[str, DataFrame], config: FoldInConfig, objective: Objective
) -> DataFrame:
    """Return the rows to solve, each with its pairs: `id, key, opposite, weights`.

    A weight that training would refuse, or an id without a key, ends the query that reads them.
    """
    own, other = f"{config.entity}_id", f"{OPPOSITE[config.entity]}_id"
    pairs = frames["interactions"].where(F.col("split").isin(list(config.splits)))
    cell = F.struct(F.col(other).alias("opposite"), _usable_weight(objective).alias("weight"))
    cells = F.array_sort(F.collect_list(cell))  # sums are the same in any run
    rows = pairs.groupBy(F.col(own).alias("id")).agg(cells.alias("cells"))
    rows = rows.withColumn("cells", _without_repeats(own, other))
    ids = frames[f"{config.entity}_ids"].select("id", "key")
    keyed = rows.join(ids, "id", "left").withColumn("key", known_key(f"{config.entity}_ids"))
    if config.only_new:
        known = frames["vectors"].where(F.col("entity") == config.entity).select("key")
        keyed = keyed.join(known, "key", "left_anti")
    return keyed.select("id", "key", "cells.opposite", F.col("cells.weight").alias("weights"))


def _usable_weight(objective: Objective) -> Column:
    """Return the weight; a pair that training would refuse ends the query and is named."""
    pair = {"weight": "weight ", "user_id": " of user_id ", "item_id": ", item_id "}
    told = [
        F.concat(F.lit(before), F.coalesce(F.col(name).cast("string"), F.lit("null")))
        for name, before in pair.items()
    ]
    refused = F.concat(F.lit("inputs.interactions: "), *told, F.lit(" cannot be used"))
    is_bad = is_bad_weight(objective.name) | is_nobody()
    return F.when(is_bad, F.raise_error(refused)).otherwise(F.col("weight"))


def _without_repeats(own: str, other: str) -> Column:
    """Return column `cells`; a pair that is there twice ends the query, as training would."""
    repeated = F.concat(
        F.lit(f"inputs.interactions: a pair of {own} "), "id", F.lit(f" and some {other} is there "
        "more than once; build_interactions makes one row of a pair"),
    )  # fmt: skip
    is_repeated = F.size(F.array_distinct("cells.opposite")) < F.size("cells")
    return F.when(is_repeated, F.raise_error(repeated)).otherwise(F.col("cells"))


def count_pairs(rows: DataFrame, shared: Any) -> tuple[int, int, int]:
    """Return how many rows there are, their pairs, and those whose opposite has no vector.

    Args:
        rows: Frame of `gather_rows`.
        shared: Broadcast of the `FoldInSpace` space.
    """

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            places = shared.value.opposite.positions(as_ragged(batch.column("opposite"))).values
            counts = (batch.num_rows, places.size, int((places < 0).sum()))
            yield pa.RecordBatch.from_arrays([pa.array([n]) for n in counts], names=_COUNTS)

    counted = rows.mapInArrow(count, ", ".join(f"{name} long" for name in _COUNTS))
    totals = counted.agg(*(F.coalesce(F.sum(name), F.lit(0)) for name in _COUNTS)).collect()[0]
    return totals[0], totals[1], totals[2]


def fold_in(rows: DataFrame, shared: Any, *, entity: str, space_id: str) -> DataFrame:
    """Return rows' vectors, each the exact solution of its pairs: as `vectors` has them.

    Pairs with opposite keys that have no vector are left out, and those without weight where
    feedback is implicit; so is a row that has no other.

    Args:
        rows: Frame of `gather_rows`.
        shared: Broadcast of the `FoldInSpace` space.
        entity: Side of the rows.
        space_id: Space of the vectors.
    """
    solved = rows.mapInArrow(_solver(shared, entity), _SCHEMA)
    keyed = solved.join(rows.select("id", "key"), "id")
    return keyed.select(
        F.lit(space_id).alias("space_id"), F.lit(entity).alias("entity"), "key", "vector", "norm"
    )


def _solver(shared: Any, entity: str) -> Callable[..., Iterator[pa.RecordBatch]]:
    def solve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        frozen, face = shared.value, None
        for batch in batches:
            with threadpool_limits(1):
                face = face or _face(frozen, entity)
                yield _solve_batch(batch, frozen, face, entity)

    return solve


def _how(frozen: FoldInSpace) -> Solver:
    return Solver("nonnegative" if frozen.is_nonnegative else "dual", 0)


def _face(frozen: FoldInSpace, entity: str) -> Opposite:
    factors = solved_factors(frozen.opposite.matrix, frozen.objective, OPPOSITE[entity])
    total = sweep.gramian(factors)
    return sweep.face(factors, total, frozen.objective, _how(frozen), len(factors))


def _solve_batch(
    batch: pa.RecordBatch, frozen: FoldInSpace, face: Opposite, entity: str
) -> pa.RecordBatch:
    cells = _cells(batch, frozen)
    before = np.zeros((batch.num_rows, face.rows.shape[1]), np.float32)
    factors, _ = sweep.solve(cells, before, face, frozen.objective, _how(frozen))
    has_cells = cells.counts > 0
    matrix = published_factors(factors[has_cells], frozen.objective, entity)
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
    ids = batch.column("id").filter(pa.array(has_cells))
    columns = [ids.cast(pa.int32()), as_lists(matrix), pa.array(norms, pa.float32())]
    return pa.RecordBatch.from_arrays(columns, names=["id", "vector", "norm"])


def _cells(batch: pa.RecordBatch, frozen: FoldInSpace) -> Cells:
    """Return a batch's cells against rows of the catalogue; those without use are left out."""
    lists = as_ragged(batch.column("opposite"))
    places = frozen.opposite.positions(lists).values
    weights = batch.column("weights").flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    is_used = places >= 0
    if frozen.objective.name != "explicit":
        is_used &= weights > 0
    lengths = np.bincount(lists.rows[is_used], minlength=batch.num_rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Cells(offsets, places[is_used].astype(np.int32), weights[is_used])
