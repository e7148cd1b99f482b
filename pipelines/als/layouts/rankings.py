"""How well factors rank held-out items, measured block by block of users while a fit runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.als.fit import Fit
from pipelines.als.stored_fit import StoredFit
from pipelines.als.sweep import Cells
from pipelines.arrays.ragged import Ragged
from pipelines.ranking.metrics import find_hits, measure_ranking
from pipelines.ranking.top_k import top_k

METRICS = ("recall", "ndcg")


@dataclass(frozen=True)
class RankedItems:
    """Items that have factors: their rows of the matrix of all, and where each one's row is."""

    matrix: np.ndarray
    places: np.ndarray


def catalogue(factors: np.ndarray) -> RankedItems:
    """Return the items that can be recommended: those that have factors other than zeros.

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
    """Return the sums of each metric over the users of a block, and how many there are.

    Items that a user has in training are left out; held-out items without factors are missed, and
    so is all that users without factors have.

    Args:
        factors: The users', `(n, d)`.
        seen: Their training cells.
        held_out: Their held-out cells.
        items: What can be recommended.
        k: Items per user.
        has_biases: Whether the last column is a bias: an item's is part of its score, a user's is
            not, as it moves all of them.
    """
    asked = np.flatnonzero(held_out.counts)
    queries = factors[asked].copy()
    if has_biases:
        queries[:, -1] = 1
    masked, wanted = (_lists(cells, asked, items) for cells in (seen, held_out))
    found, _ = top_k(queries, items.matrix, k=k, masked=masked)
    found[seen.counts[asked] == 0] = -1
    measured = measure_ranking(find_hits(found, wanted), held_out.counts[asked])
    return {"users": float(asked.size)} | {m: float(measured[m].sum()) for m in METRICS}


def no_cells(size: int) -> Cells:
    """Return so many rows without cells."""
    return Cells(np.zeros(size + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def mean_of(sums: list[dict[str, float]], k: int) -> dict[str, float]:
    """Return the metrics' means over the users of all blocks, by name; none without users."""
    users = sum(s["users"] for s in sums)
    if not users:
        return {}
    return {f"{m}_at_{k}": sum(s[m] for s in sums) / users for m in METRICS}


def _lists(cells: Cells, rows: np.ndarray, items: RankedItems) -> Ragged:
    """Return some rows' items as rows of the catalogue, -1 where it has them not."""
    lengths = cells.counts[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    starts = np.repeat(cells.offsets[rows] - offsets[:-1], lengths)
    return Ragged(offsets, items.places[cells.columns[starts + np.arange(offsets[-1])]])


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
        stored = StoredFit(fit.folder)
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


def _offered(fit: Fit, version: str, stored: StoredFit) -> RankedItems:
    items = stored.factors(version, "items", size=fit.sizes["items"], blocks=fit.blocks,
                           dimension=fit.dimension)  # fmt: skip
    return catalogue(items)
