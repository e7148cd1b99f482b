"""The two layouts of a fit as Spark jobs, one version of the factors after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import DataFrame

from pipelines.als.fit import Fit
from pipelines.als.layouts import half_sweeps, packed_fit, rankings
from pipelines.als.layouts.opposite import HalfSweep
from pipelines.als.layouts.packed_fit import History
from pipelines.als.layouts.rankings import mean_of
from pipelines.training import tasks
from pipelines.training.rounds import RoundState
from pipelines.training.stored_arrays import SCHEMA, StoredArrays

LongRows = dict[str, Sequence[tuple[int, int, int]]]


class FitRun(Protocol):
    """Versions of a fit."""

    state: RoundState
    fit: Fit

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a version."""

    def advance(self, number: int, measured: History) -> None:
        """Keep the version after `number`, and drop what no later one needs."""

    def is_complete(self, number: int) -> bool:
        """Tell whether a version ends a sweep, users last."""

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides' factors at a version that ends a sweep."""


@dataclass
class PackedFit:
    """One task sweeps; a version is what it has after about half a minute."""

    state: RoundState
    fit: Fit

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a version."""
        stored = StoredArrays(self.fit.folder)
        return [m for each in stored.json("measures", f"round={number}") for m in each]

    def advance(self, number: int, measured: History) -> None:
        """Run one job."""
        task = packed_fit.fit_task(self.fit, number + 1, measured)
        self.state.write_by_tasks(f"round={number + 1}", 1, 1, task, threads=self.fit.threads)
        self.state.drop(f"round={number}")

    def is_complete(self, number: int) -> bool:
        """Return that it does: every version ends a sweep."""
        return number > 0

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides."""
        return self.state.read(f"round={number}", SCHEMA)


@dataclass
class BlockedFit:
    """Half-sweeps: versions of odd numbers hold items, those of even ones users."""

    state: RoundState
    fit: Fit
    tasks: int
    held: int
    long_rows: LongRows
    long_row_cells: int

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a version, noted when each is first asked for.

        A run that was killed after a version asks for them when it goes on.
        """
        last = number - number % 2
        if last == 0:
            return []
        known: History | None = self.state.noted(f"history-{last}")
        return self._measure(last) if known is None else known

    def advance(self, number: int, measured: History) -> None:  # noqa: ARG002  (Packed's need)
        """Run one half-sweep, and before the first one keep what it begins with."""
        if number == 0 and not self.state.has("round=0"):
            self._write("round=0", self.fit.blocks, half_sweeps.first_task(self.fit))
        half = self.half(number + 1)
        if half.pieces:
            self._write(half_sweeps.SUMS, len(half.pieces), half_sweeps.partial_task(half))
        self._write(f"round={number + 1}", self.fit.blocks, half_sweeps.half_task(half))
        self.state.drop(f"round={number - 1}")

    def half(self, number: int) -> HalfSweep:
        """Return what a half-sweep is to do."""
        side = "items" if number % 2 else "users"
        step = min(self.long_row_cells, self.held)
        pieces = tuple(
            (block, row, first, min(first + step, cells))
            for block, row, cells in self.long_rows[side]
            for first in range(0, cells, step)
        )
        before = max(0, number - 2)
        return HalfSweep(
            self.fit, side, f"round={before}", f"round={number - 1}", self.held, pieces
        )

    def _measure(self, number: int) -> History:
        """Add the measures of the sweep that a version ends to those before, and keep them."""
        stored = StoredArrays(self.fit.folder)
        own, items = (stored.json("measures", f"round={n}") for n in (number, number - 1))
        loss = sum(m["value"] for m in own) + sum(m["penalty"] for m in items)
        seconds = sum(m["seconds"] for m in (*own, *items)) / self.tasks
        found = {"loss": loss, "seconds": seconds} | self._rankings(number)
        history = [*self.measured(number - 2), found]
        self.state.note(f"history-{number}", history)
        return history

    def _rankings(self, number: int) -> dict[str, float]:
        """Return how held-out pairs are ranked by users of a version and items of the one before.

        Every task holds all items' factors.
        """
        if not self.fit.ranked:
            return {}
        task = rankings.ranking_task(self.fit, f"round={number}", f"round={number - 1}")
        ranked = tasks.run(
            self.state.spark, self.fit.blocks, self.tasks, task, threads=self.fit.threads
        )
        return mean_of(ranked, self.fit.ranked)

    def is_complete(self, number: int) -> bool:
        """Tell whether a version holds users."""
        return number > 0 and number % 2 == 0

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides: users of this version, items of the one before."""
        kept = [self.state.read(f"round={n}", SCHEMA) for n in (number, number - 1)]
        return kept[0].unionAll(kept[1])

    def _write(self, name: str, count: int, task: half_sweeps.Task) -> None:
        self.state.write_by_tasks(name, count, self.tasks, task, threads=self.fit.threads)
