"""Each mode's rounds as Spark jobs, which write one version of the model after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyspark.sql import DataFrame

from pipelines.cluster.executors import whole_executor
from pipelines.training.rounds import FILE, History, RoundState, Wrap
from pipelines.training.stored_arrays import round_name
from pipelines.word2vec.model import TrainerParameters
from pipelines.word2vec.modes import packed_rounds, replicated_rounds, rotated_turns
from pipelines.word2vec.modes.balance import Start, Stretch, start_of
from pipelines.word2vec.modes.moves import MOVES
from pipelines.word2vec.plan import Round, Segment, Turn
from pipelines.word2vec.stored_model import BLOCK_ROWS, StoredModel

MOST_WRITERS = 16  # tasks that write a version: each leaves (2, d, d) sums for the driver to add


class TrainingRun(Protocol):
    """Rounds of one mode."""

    state: RoundState
    parameters: TrainerParameters

    @property
    def plan(self) -> Sequence[Any]:
        """Return what each round trains."""

    def frame(self, number: int, history: History, wrap: Wrap) -> DataFrame:
        """Return the frame whose tasks write a round's version: see `RoundState.write_by_frame`."""

    def measured(self, number: int) -> History:
        """Return the measures of a stored round, and of those before it."""

    def ends_epoch(self, number: int) -> bool:
        """Return whether a round is the last of its epoch; round 0 is of none."""

    def stretch(self, number: int) -> Stretch | None:
        """Return the stretch to apply to the rows of a version; None for nothing."""


@dataclass
class PackedTraining:
    """One task trains."""

    state: RoundState
    parameters: TrainerParameters
    plan: list[list[Segment]]

    def frame(self, number: int, history: History, wrap: Wrap) -> DataFrame:
        """Return the frame of one task, which trains and writes the version."""
        task = packed_rounds.round_task(self.parameters, number, self.plan[number - 1], history)
        profile = whole_executor(self.state.spark, self.parameters.threads)
        one = self.state.spark.range(0, 1, 1, 1)
        return one.mapInArrow(wrap(task), FILE, profile=profile)

    def measured(self, number: int) -> History:
        """Return the measures of all segments so far."""
        stored, name = StoredModel(self.parameters.folder), round_name(number)
        return [*stored.history(name), *stored.measures(name)]

    def ends_epoch(self, number: int) -> bool:
        """Return whether a round is the last of its epoch."""
        after = self.plan[number][0].epoch if number < len(self.plan) else None
        return number > 0 and self.plan[number - 1][-1].epoch != after

    def stretch(self, number: int) -> None:
        """Return None: there is no merge that would change the balance."""


@dataclass
class ReplicatedTraining:
    """Many trainers begin a round from one version; a shuffle by blocks of rows merges them."""

    state: RoundState
    parameters: TrainerParameters
    plan: list[Round]
    trainers: int
    tasks: int
    _cached: tuple[int, Start] | None = None

    def frame(self, number: int, history: History, wrap: Wrap) -> DataFrame:
        """Return the frame whose tasks merge what trainers send, and write the version."""
        spark, start = self.state.spark, self._start(number - 1)
        job = replicated_rounds.MergedRound(
            self.parameters, self.plan[number - 1], number, self.trainers, start
        )
        moves = spark.range(0, self.trainers, 1, self.tasks).mapInArrow(
            replicated_rounds.train_task(job, history),
            MOVES,
            profile=whole_executor(spark, self.parameters.threads),
        )
        blocks = -(-self.parameters.vocabulary_size // BLOCK_ROWS)
        writers = min(blocks, spark.sparkContext.defaultParallelism, MOST_WRITERS)
        sorted_moves = moves.repartition(writers, "position").sortWithinPartitions(
            "position", "trainer"
        )
        return sorted_moves.mapInArrow(wrap(replicated_rounds.merge_task(job)), FILE)

    def measured(self, number: int) -> History:
        """Return the measures of all rounds so far.

        Tokens are those of all trainers, seconds those of the slowest, times the trainers per task.
        The loss of a version is measured by the round after it; at an epoch's end by its own task.
        """
        stored, part = StoredModel(self.parameters.folder), self.plan[number - 1]
        history = stored.history(round_name(number))
        measures = stored.measures(round_name(number))
        loss = next((m["held_out_loss"] for m in measures if "held_out_loss" in m), float("nan"))
        if history:
            history[-1]["held_out_loss"] = loss
        start = self._start(number)
        waves = -(-self.trainers // self.tasks)
        own = {
            "epoch": part.epoch + 1,
            "tokens": sum(m["tokens"] for m in measures),
            "seconds": max(m["seconds"] for m in measures) * waves,
            "learning_rate": part.learning_rates.last,
            "is_finite": float(start.is_finite),
            "held_out_loss": self._loss(number, start) if self.ends_epoch(number) else float("nan"),
        }
        return [*history, own]

    def ends_epoch(self, number: int) -> bool:
        """Return whether a round is the last of its epoch."""
        return number > 0 and self.plan[number - 1].stop == 1

    def _loss(self, number: int, start: Start) -> float:
        task = replicated_rounds.loss_task(self.parameters, number, start)
        one = self.state.spark.range(0, 1, 1, 1).mapInArrow(task, "loss double")
        return float(one.collect()[0][0])

    def stretch(self, number: int) -> Stretch:
        """Return what restores the balance that the last merge changed."""
        return self._start(number).stretch

    def _start(self, version: int) -> Start:
        """Return what a round must know of a version; the last one is cached."""
        if self._cached is None or self._cached[0] != version:
            stored = StoredModel(self.parameters.folder)
            self._cached = version, start_of(stored, version, self.parameters.vector_size)
        return self._cached[1]


@dataclass
class RotatedTraining:
    """In a turn each trainer has one class of input rows and one of output rows."""

    state: RoundState
    parameters: TrainerParameters
    plan: list[Turn]
    tasks: int

    def frame(self, number: int, history: History, wrap: Wrap) -> DataFrame:
        """Return the frame whose tasks train their blocks, and write them, without a shuffle."""
        job = rotated_turns.RotatedTurn(self.parameters, self.plan[number - 1], number)
        spark = self.state.spark
        numbers = spark.range(0, self.parameters.classes, 1, self.tasks)
        profile = whole_executor(spark, self.parameters.threads)
        return numbers.mapInArrow(
            wrap(rotated_turns.turn_task(job, history)), FILE, profile=profile
        )

    def measured(self, number: int) -> History:
        """Return the measures of all turns so far.

        Tokens are a turn's share of those read, seconds those of the slowest trainer, times the
        trainers per task. A turn measures the held-out pairs of its blocks, 1 / classes of all: the
        loss is the mean over the last `classes` turns.
        """
        stored, turn = StoredModel(self.parameters.folder), self.plan[number - 1]
        history = stored.history(round_name(number))
        measures = stored.measures(round_name(number))
        waves = -(-self.parameters.classes // self.tasks)
        own = {
            "epoch": turn.epoch + 1,
            "tokens": max(m["tokens"] for m in measures) / self.parameters.classes,
            "seconds": max(m["seconds"] for m in measures) * waves,
            "learning_rate": turn.learning_rates.last,
            "is_finite": min(m["is_finite"] for m in measures),
            "loss": sum(m["loss"] for m in measures),
            "pairs": sum(m["pairs"] for m in measures),
        }
        last = [*history, own][-self.parameters.classes :]
        pairs = sum(m["pairs"] for m in last)
        own["held_out_loss"] = sum(m["loss"] for m in last) / pairs if pairs else float("nan")
        return [*history, own]

    def ends_epoch(self, number: int) -> bool:
        """Return whether a turn is the last of its epoch."""
        after = self.plan[number].epoch if number < len(self.plan) else None
        return number > 0 and self.plan[number - 1].epoch != after

    def stretch(self, number: int) -> None:
        """Return None: there is no merge that would change the balance."""
