"""Rankings of held-out pairs as a Spark job, between the sweeps of a blocked fit."""

from collections.abc import Callable, Iterator

import numpy as np

from pipelines.als.fit import Fit
from pipelines.als.held_out import Catalogue, catalogue, measure_block, no_cells
from pipelines.als.stored import Stored


def ranking_task(
    fit: Fit, users: str, items: str
) -> Callable[[list[int]], Iterator[dict[str, float]]]:
    """Return the task that ranks held-out pairs at the end of a sweep, for block numbers of users.

    It yields the sums of `held_out.measure_block` over a block.

    Args:
        fit: What tasks know.
        users: Version that holds the users' factors.
        items: Version that holds the items', all of which a task holds.
    """

    def run(numbers: list[int]) -> Iterator[dict[str, float]]:
        stored = Stored(fit.folder)
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
                yield measure_block(factors, seen, wanted, offered, k=fit.ranked,
                                    has_biases=fit.objective.has_biases)  # fmt: skip

    return run


def _offered(fit: Fit, version: str, stored: Stored) -> Catalogue:
    items = stored.factors(version, "items", size=fit.sizes["items"], blocks=fit.blocks,
                           dimension=fit.dimension)  # fmt: skip
    return catalogue(items)
