"""Rankings of held-out pairs as a Spark job, between the sweeps of a blocked fit."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipelines.als.blocked import Half, Task, numbers_of
from pipelines.als.held_out import Catalogue, catalogue, measure_block, no_cells
from pipelines.als.stored import Stored
from pipelines.training.stored import json_row, rows


def ranking_task(half: Half) -> Task:
    """Return the task that ranks held-out pairs after a half-sweep of users, for block numbers.

    Args:
        half: The half-sweep of users that `opposite` was the other side of; `before` is the version
            it made.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        fit, stored = half.fit, Stored(half.fit.folder)
        for number in numbers_of(batches):
            one = range(number, number + 1)
            for _, wanted in stored.cells("users", one, "held_out"):
                found = [cells for _, cells in stored.cells("users", one)]
                seen = found[0] if found else no_cells(wanted.counts.size)
                factors = np.zeros((wanted.counts.size, fit.dimension), np.float32)
                factors[: seen.counts.size] = stored.block(half.before, "users", number,
                                                           fit.dimension)  # fmt: skip
                sums = measure_block(
                    factors, seen, wanted, _offered(half, stored), k=fit.ranked,
                    has_biases=fit.objective.has_biases,
                )  # fmt: skip
                yield from rows([json_row("rankings", number, sums)]).to_batches()

    return run


def _offered(half: Half, stored: Stored) -> Catalogue:
    fit = half.fit
    items = stored.factors(half.opposite, "items", size=fit.sizes["items"], blocks=fit.blocks,
                           dimension=fit.dimension)  # fmt: skip
    return catalogue(items, np.asarray(items.any(axis=1)))
