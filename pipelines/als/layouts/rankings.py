"""How well factors rank held-out items, measured block by block of users while a fit runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.als.fit import Fit
from pipelines.als.stored_fit import HELD_OUT, StoredFit
from pipelines.als.sweep import Cells
from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.ragged import Ragged
from pipelines.ranking.metrics import find_hits, measure_ranking
from pipelines.ranking.top_k import top_k

METRICS = ("recall", "ndcg")


@dataclass(frozen=True)
class RankedItems:
    """Items that have factors.

    Args:
        matrix: Their factors, `(n, d)`.
        places: Row in `matrix` of each of m items, -1 for those without factors, `(m,)`.
    """

    matrix: np.ndarray
    places: np.ndarray


def ranked_items(factors: np.ndarray) -> RankedItems:
    """Return the items that can be recommended: those whose factors are not all zero.

    Args:
        factors: Of all items, `(m, d)`.
    """
    has_factors = factors.any(axis=1)
    matrix = np.ascontiguousarray(factors[has_factors])
    places = np.full(len(factors), -1, np.int64)
    places[has_factors] = np.arange(len(matrix))
    return RankedItems(matrix, places)


def measure_block(
    factors: np.ndarray,
    seen: Cells,
    held_out: Cells,
    items: RankedItems,
    *,
    k: int,
    has_biases: bool,
) -> dict[str, float]:
    """Return each metric summed over the users of a block that have held-out pairs, and `users`.

    A user's training items are not ranked. Held-out items without factors count as misses, and so
    do all held-out items of users without training cells.

    Args:
        factors: The users', `(n, d)`.
        seen: Their training cells.
        held_out: Their held-out cells.
        items: The items that can be recommended.
        k: Items per user.
        has_biases: Whether the last column is a bias. An item's bias is part of its score; a
            user's is left out, as it is the same for all items.
    """
    users = np.flatnonzero(held_out.counts)
    queries = factors[users].copy()
    if has_biases:
        queries[:, -1] = 1
    masked, wanted = (_lists(cells, users, items) for cells in (seen, held_out))
    best, _ = top_k(queries, items.matrix, k=k, masked=masked)
    best[seen.counts[users] == 0] = -1
    measured = measure_ranking(find_hits(best, wanted), held_out.counts[users])
    return {"users": float(users.size)} | {m: float(measured[m].sum()) for m in METRICS}


def no_cells(size: int) -> Cells:
    """Return `size` rows without cells."""
    return Cells(np.zeros(size + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def mean_of(sums: list[dict[str, float]], k: int) -> dict[str, float]:
    """Return each metric's mean over the users of all blocks, by name; empty without users."""
    users = sum(s["users"] for s in sums)
    if not users:
        return {}
    return {f"{m}_at_{k}": sum(s[m] for s in sums) / users for m in METRICS}


def _lists(cells: Cells, rows: np.ndarray, items: RankedItems) -> Ragged:
    """Return some rows' items as rows of `items.matrix`, -1 for items without factors."""
    lengths = cells.counts[rows]
    offsets = offsets_of(lengths)
    starts = np.repeat(cells.offsets[rows] - offsets[:-1], lengths)
    return Ragged(offsets, items.places[cells.columns[starts + np.arange(offsets[-1])]])


def ranking_task(
    fit: Fit, users: str, items: str
) -> Callable[[list[int]], Iterator[dict[str, float]]]:
    """Return the task that ranks held-out pairs after a sweep, given block numbers of users.

    It yields the result of `measure_block` for each block.

    Args:
        fit: Values that tasks are given.
        users: Round that holds the users' factors.
        items: Round that holds the items' factors; a task holds all of them.
    """

    def run(numbers: list[int]) -> Iterator[dict[str, float]]:
        stored = StoredFit(fit.folder)
        candidates = _load_items(fit, items, stored)
        for number in numbers:
            one = range(number, number + 1)
            for _, wanted in stored.cells("users", one, HELD_OUT):
                known = dict(stored.cells("users", one))
                if known:
                    factors = stored.block(users, "users", number, fit.dimension)
                else:  # none of the block's users has a training pair
                    factors = np.zeros((wanted.counts.size, fit.dimension), np.float32)
                seen = known.get(number, no_cells(wanted.counts.size))
                has_biases = fit.objective.has_biases
                yield measure_block(
                    factors, seen, wanted, candidates, k=fit.ranked, has_biases=has_biases
                )

    return run


def _load_items(fit: Fit, name: str, stored: StoredFit) -> RankedItems:
    size = fit.sizes["items"]
    items = stored.factors(name, "items", size=size, blocks=fit.blocks, dimension=fit.dimension)
    return ranked_items(items)
