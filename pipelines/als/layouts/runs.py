"""The two layouts of a fit as Spark jobs, each of which stores a round of factors."""

from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import DataFrame

from pipelines.als.cells.survey import LongRows
from pipelines.als.fit import Fit
from pipelines.als.layouts import half_sweeps, packed_fit, rankings
from pipelines.als.layouts.held_rows import HalfSweep
from pipelines.als.layouts.rankings import mean_of
from pipelines.als.stored_fit import SUMS, StoredFit
from pipelines.training import tasks
from pipelines.training.rounds import History, RoundState
from pipelines.training.stored_arrays import SCHEMA, round_name


class FitRun(Protocol):
    """A fit as a sequence of rounds, numbered from 1; round 0 has initial factors, if any."""

    state: RoundState
    fit: Fit

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a round."""

    def advance(self, number: int, measured: History) -> None:
        """Store round `number` + 1, and delete the round that no later one reads."""

    def is_complete(self, number: int) -> bool:
        """Tell whether a round ends a sweep, so that users were solved last."""

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides' factors at a round that ends a sweep."""


@dataclass
class PackedFit:
    """Layout packed: one task sweeps, and a round is its factors after about half a minute."""

    state: RoundState
    fit: Fit

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a round."""
        kept = StoredFit(self.fit.folder).measures(round_name(number))
        return [measures for history in kept for measures in history]

    def advance(self, number: int, measured: History) -> None:
        """Run one Spark job."""
        task = packed_fit.fit_task(self.fit, number + 1, measured)
        self.state.write_by_tasks(round_name(number + 1), 1, 1, task, threads=self.fit.threads)
        self.state.drop(round_name(number))

    def is_complete(self, number: int) -> bool:
        """Tell whether any sweep is done: every round ends a sweep."""
        return number > 0

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides."""
        return self.state.read(round_name(number), SCHEMA)


@dataclass
class BlockedFit:
    """Layout blocked: each round is a half-sweep; odd rounds hold items, even rounds users.

    Args:
        state: Where rounds are stored.
        fit: Values that tasks are given.
        tasks: Tasks of a half-sweep.
        held: Rows of the other side that a task holds at once.
        long_rows: The long rows of each side.
        long_row_cells: Most cells of a piece of a long row.
    """

    state: RoundState
    fit: Fit
    tasks: int
    held: int
    long_rows: LongRows
    long_row_cells: int

    def measured(self, number: int) -> History:
        """Return the measures of all sweeps up to a round; they are stored after each sweep.

        A run that was killed before they were stored computes them when it continues.
        """
        last = number - number % 2
        if last == 0:
            return []
        known: History | None = self.state.noted(f"history-{last}")
        return self._measure(last) if known is None else known

    def advance(self, number: int, measured: History) -> None:  # noqa: ARG002  (for PackedFit)
        """Run one half-sweep; before the first one, store the first factors as round 0."""
        if number == 0 and not self.state.has(round_name(0)):
            self._write(round_name(0), self.fit.blocks, half_sweeps.first_task(self.fit))
        half = self.half(number + 1)
        if half.pieces:
            self._write(SUMS, len(half.pieces), half_sweeps.partial_task(half))
        self._write(round_name(number + 1), self.fit.blocks, half_sweeps.half_task(half))
        self.state.drop(round_name(number - 1))

    def half(self, number: int) -> HalfSweep:
        """Return the half-sweep that makes a round."""
        side = "items" if number % 2 else "users"
        step = min(self.long_row_cells, self.held)
        pieces = tuple(
            (block, row, first, min(first + step, cells))
            for block, row, cells in self.long_rows[side]
            for first in range(0, cells, step)
        )
        before = max(0, number - 2)
        return HalfSweep(
            self.fit, side, round_name(before), round_name(number - 1), self.held, pieces
        )

    def _measure(self, number: int) -> History:
        """Return the measures up to the sweep that a round ends, and store them."""
        stored = StoredFit(self.fit.folder)
        own, items = (stored.measures(round_name(n)) for n in (number, number - 1))
        loss = sum(m["value"] for m in own) + sum(m["penalty"] for m in items)
        seconds = sum(m["seconds"] for m in (*own, *items)) / self.tasks
        measures = {"loss": loss, "seconds": seconds} | self._rankings(number)
        history = [*self.measured(number - 2), measures]
        self.state.note(f"history-{number}", history)
        return history

    def _rankings(self, number: int) -> dict[str, float]:
        """Return the ranking metrics for users of round `number` and items of the one before."""
        if not self.fit.ranked:
            return {}
        task = rankings.ranking_task(self.fit, round_name(number), round_name(number - 1))
        ranked = tasks.run(
            self.state.spark, self.fit.blocks, self.tasks, task, threads=self.fit.threads
        )
        return mean_of(ranked, self.fit.ranked)

    def is_complete(self, number: int) -> bool:
        """Tell whether a round holds users."""
        return number > 0 and number % 2 == 0

    def factors(self, number: int) -> DataFrame:
        """Return the rows of both sides: users of this round, items of the one before."""
        kept = [self.state.read(round_name(n), SCHEMA) for n in (number, number - 1)]
        return kept[0].unionAll(kept[1])

    def _write(self, name: str, count: int, task: half_sweeps.HalfSweepTask) -> None:
        self.state.write_by_tasks(name, count, self.tasks, task, threads=self.fit.threads)
