"""Rankings of held-out pairs as a Spark job, between the sweeps of a blocked fit."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipelines.als.blocked import Task, numbers_of
from pipelines.als.fit import Fit
from pipelines.als.held_out import Catalogue, catalogue, measure_block, no_cells
from pipelines.als.stored import Stored
from pipelines.training.stored import json_row, rows


def ranking_task(fit: Fit, users: str, items: str) -> Task:
    """Return the task that ranks held-out pairs at the end of a sweep, for block numbers of users.

    Args:
        fit: What tasks know.
        users: Version that holds the users' factors.
        items: Version that holds the items', all of which a task holds.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        stored, numbers = Stored(fit.folder), numbers_of(batches)
        if not numbers:
            return
        offered = _offered(fit, items, stored)
        for number in numbers:
            one = range(number, number + 1)
            for _, wanted in stored.cells("users", one, "held_out"):
                known = dict(stored.cells("users", one))
                if known:
                    factors = stored.block(users, "users", number, fit.dimension)
                else:  # all of its users have held-out pairs only
                    factors = np.zeros((wanted.counts.size, fit.dimension), np.float32)
                seen = known.get(number, no_cells(wanted.counts.size))
                sums = measure_block(factors, seen, wanted, offered, k=fit.ranked,
                                     has_biases=fit.objective.has_biases)  # fmt: skip
                yield from rows([json_row("rankings", number, sums)]).to_batches()

    return run


def _offered(fit: Fit, version: str, stored: Stored) -> Catalogue:
    items = stored.factors(version, "items", size=fit.sizes["items"], blocks=fit.blocks,
                           dimension=fit.dimension)  # fmt: skip
    return catalogue(items)
