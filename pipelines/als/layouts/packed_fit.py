"""A whole fit in one task: sweeps by the threads of one executor, with no shuffle between."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from pipelines.als.cells.blocks import SIDES
from pipelines.als.fit import Fit, Side
from pipelines.als.layouts.rankings import catalogue, mean_of, measure_block, no_cells
from pipelines.als.stored_fit import StoredFit, factor_row
from pipelines.als.sweep import Cells
from pipelines.training.stored_arrays import Content, json_row

_SECONDS = 30  # that a job sweeps before it leaves its factors on storage
History = list[dict[str, float]]


def fit_task(
    fit: Fit, number: int, history: History, seconds: float = _SECONDS
) -> Callable[[list[int]], Iterator[Content]]:
    """Return the task of one job: one number of any kind in, rows of `stored.SCHEMA` out.

    A job sweeps for about so many seconds. Where it stops changes nothing: a sweep depends on the
    factors before it alone.

    Args:
        fit: What tasks know.
        number: Number of the job; it begins from the version before it.
        history: Measures of the sweeps so far, kept with the version.
        seconds: See above.
    """

    def run(_: list[int]) -> Iterator[Content]:
        with threadpool_limits(1), ThreadPoolExecutor(fit.threads) as pool:
            users, items = load(fit, f"round={number - 1}")
            held_out = dict(StoredFit(fit.folder).cells("users", range(fit.blocks), "held_out"))
            measured = sweeps(users, items, history, pool, seconds, held_out)
        yield json_row("measures", 0, measured)
        for side in (users, items):
            for content in side.blocks():
                yield factor_row(side.side, *content)

    return run


def load(fit: Fit, name: str) -> tuple[Side, Side]:
    """Return both sides of a version; what a fit begins with where it is not kept."""
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


def sweeps(
    users: Side,
    items: Side,
    history: History,
    pool: ThreadPoolExecutor,
    seconds: float,
    held_out: Mapping[int, Cells],
) -> History:
    """Sweep once, and until the fit is enough or the time over; return all sweeps' measures."""
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
    items.solve(users.face(pool), pool)
    value = users.solve(items.face(pool), pool)
    return value + items.penalty(users.fit.counts["users"])


def measure(
    users: Side, items: Side, held_out: Mapping[int, Cells], pool: ThreadPoolExecutor
) -> dict[str, float]:
    """Return how the users' held-out pairs are ranked; nothing where that is not asked for."""
    fit = users.fit
    if not fit.ranked:
        return {}
    offered = catalogue(items.factors)

    def block(number: int) -> dict[str, float]:
        wanted = held_out[number]
        seen = users.cells.get(number, no_cells(wanted.counts.size))
        rows = users.factors[number :: fit.blocks]
        return measure_block(
            rows, seen, wanted, offered, k=fit.ranked, has_biases=fit.objective.has_biases
        )

    return mean_of(list(pool.map(block, held_out)), fit.ranked)
