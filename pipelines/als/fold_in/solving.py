"""Fold-in: each row is the exact solution of its own least squares in a fixed space."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from pipelines.als import sweep
from pipelines.als.objective import Objective
from pipelines.als.sides import opposite_entity
from pipelines.als.sweep import Cells, Opposite, Solver
from pipelines.als.vectors import published_factors, solved_factors, vector_batch
from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.ragged import as_ragged
from pipelines.ranking.keyed_vectors import KeyedVectors

_SCHEMA = "id int, vector array<float>, norm float"


@dataclass(frozen=True)
class FoldInSpace:
    """A space, broadcast to every task.

    Args:
        objective: Objective that its training minimised.
        is_nonnegative: Whether components must not be negative.
        opposite: The other side's vectors and dense ids.
    """

    objective: Objective
    is_nonnegative: bool
    opposite: KeyedVectors


def fold_in(rows: DataFrame, shared: Any, *, entity: str) -> DataFrame:
    """Return the vectors of rows: `entity, key, vector, norm`.

    Pairs whose opposite key has no vector are left out, and pairs of weight 0 where feedback is
    implicit; a row without any other pair has no vector.

    Args:
        rows: Frame of `gather_rows`.
        shared: Broadcast of the `FoldInSpace`.
        entity: Side of the rows.
    """
    solved = rows.mapInArrow(_batch_solver(shared, entity), _SCHEMA)
    keyed = solved.join(rows.select("id", "key"), "id")
    return keyed.select(F.lit(entity).alias("entity"), "key", "vector", "norm")


def _batch_solver(shared: Any, entity: str) -> Callable[..., Iterator[pa.RecordBatch]]:
    def solve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        space, opposite = shared.value, None
        for batch in batches:
            with threadpool_limits(1):
                opposite = opposite or _opposite(space, entity)
                yield _solve_batch(batch, space, opposite, entity)

    return solve


def _solver_of(space: FoldInSpace) -> Solver:
    return Solver("nonnegative" if space.is_nonnegative else "dual", 0)


def _opposite(space: FoldInSpace, entity: str) -> Opposite:
    factors = solved_factors(space.opposite.matrix, space.objective, opposite_entity(entity))
    return sweep.prepare_opposite(
        factors, sweep.gramian(factors), space.objective, _solver_of(space), len(factors)
    )


def _solve_batch(
    batch: pa.RecordBatch, space: FoldInSpace, opposite: Opposite, entity: str
) -> pa.RecordBatch:
    cells = _cells(batch, space)
    before = np.zeros((batch.num_rows, opposite.rows.shape[1]), np.float32)
    factors, _ = sweep.solve(cells, before, opposite, space.objective, _solver_of(space))
    has_cells = cells.counts > 0
    matrix = published_factors(factors[has_cells], space.objective, entity)
    return vector_batch(batch.column("id").filter(pa.array(has_cells)).cast(pa.int32()), matrix)


def _cells(batch: pa.RecordBatch, space: FoldInSpace) -> Cells:
    """Return a batch's usable cells; their columns are rows of `space.opposite`."""
    lists = as_ragged(batch.column("opposite"))
    places = space.opposite.positions(lists).values
    weights = batch.column("weights").flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    is_used = places >= 0
    if space.objective.name != "explicit":
        is_used &= weights > 0
    counts = np.bincount(lists.rows[is_used], minlength=batch.num_rows)
    return Cells(offsets_of(counts), places[is_used].astype(np.int32), weights[is_used])
