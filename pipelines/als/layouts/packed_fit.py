"""A whole fit in one task: sweeps by the threads of one executor, with no shuffle between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from pipelines.als.fit import Fit, Side
from pipelines.als.layouts.rankings import mean_of, measure_block, no_cells, ranked_items
from pipelines.als.sides import SIDES
from pipelines.als.stored_fit import HELD_OUT, StoredFit, factors_row, measures_row
from pipelines.als.sweep import Cells
from pipelines.training.stored_arrays import Content, round_name

if TYPE_CHECKING:  # tasks need neither sessions nor settings
    from pipelines.training.rounds import History

_SECONDS = 30  # seconds after which a job starts no new sweep and stores its factors


def fit_task(
    fit: Fit, number: int, history: History, seconds: float = _SECONDS
) -> Callable[[list[int]], Iterator[Content]]:
    """Return a Spark job's only task, which runs sweeps for about `seconds` seconds.

    Where it stops does not change the result: a sweep depends only on the factors before it.

    Args:
        fit: Values that tasks are given.
        number: Round that the task writes; it reads round `number` - 1.
        history: Measures of the sweeps so far; they are stored in the round with the new ones.
        seconds: Time after which no further sweep starts.

    Returns:
        A function from any list of numbers to rows of `stored_fit`.
    """

    def run(_: list[int]) -> Iterator[Content]:
        with threadpool_limits(1), ThreadPoolExecutor(fit.threads) as pool:
            users, items = load(fit, round_name(number - 1))
            held_out = load_held_out(fit)
            measured = sweeps(users, items, history, pool, seconds, held_out)
        yield measures_row(0, measured)
        for side in (users, items):
            for content in side.blocks():
                yield factors_row(side.side, *content)

    return run


def load(fit: Fit, name: str) -> tuple[Side, Side]:
    """Return users and items of a round; with first factors if the round is not stored."""
    stored, loaded = StoredFit(fit.folder), []
    for side in SIDES:
        cells = dict(stored.cells(side, range(fit.blocks)))
        shape = (fit.sizes[side], fit.dimension)
        if stored.has(name):
            factors = stored.factors(
                name, side, size=shape[0], blocks=fit.blocks, dimension=shape[1]
            )
            loaded.append(Side(fit, side, cells, factors))
        else:
            loaded.append(Side(fit, side, cells, np.zeros(shape, np.float32)))
            loaded[-1].begin()
    return loaded[0], loaded[1]


def load_held_out(fit: Fit) -> dict[int, Cells]:
    """Return the users' cells of the ranked split by block; empty if no split is ranked."""
    return dict(StoredFit(fit.folder).cells("users", range(fit.blocks), HELD_OUT))


def sweeps(
    users: Side,
    items: Side,
    history: History,
    pool: ThreadPoolExecutor,
    seconds: float,
    held_out: Mapping[int, Cells],
) -> History:
    """Sweep at least once, until the fit ends or `seconds` are over; return all measures."""
    fit, measured, began = users.fit, list(history), time.monotonic()
    while not fit.is_enough([m["loss"] for m in measured]):
        started = time.monotonic()
        loss = sweep_once(users, items, pool)
        measured.append({"loss": loss, "seconds": time.monotonic() - started})
        measured[-1] |= measure(users, items, held_out, pool)
        if time.monotonic() - began >= seconds:
            break
    return measured


def sweep_once(users: Side, items: Side, pool: ThreadPoolExecutor) -> float:
    """Solve the items, then the users; return the objective of both."""
    items.solve(users.as_opposite(pool), pool)
    value = users.solve(items.as_opposite(pool), pool)
    return value + items.penalty(users.fit.counts["users"])


def measure(
    users: Side, items: Side, held_out: Mapping[int, Cells], pool: ThreadPoolExecutor
) -> dict[str, float]:
    """Return the ranking metrics of held-out pairs; empty where no split is ranked."""
    fit = users.fit
    if not fit.ranked:
        return {}
    candidates = ranked_items(items.factors)

    def block(number: int) -> dict[str, float]:
        wanted = held_out[number]
        seen = users.cells.get(number, no_cells(wanted.counts.size))
        rows = users.factors[number :: fit.blocks]
        return measure_block(
            rows, seen, wanted, candidates, k=fit.ranked, has_biases=fit.objective.has_biases
        )

    return mean_of(list(pool.map(block, held_out)), fit.ranked)
