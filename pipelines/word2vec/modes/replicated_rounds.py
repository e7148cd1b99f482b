"""Training on many executors: each trains a copy of the model, and a shuffle merges them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from pipelines.training.rounds import History
from pipelines.training.stored_arrays import rows
from pipelines.word2vec.kernels.arguments import Model, Touches
from pipelines.word2vec.model import TrainerParameters, load_model, without_copies
from pipelines.word2vec.modes.balance import Moments, Start, energy_change, joint_moment
from pipelines.word2vec.modes.merge import SLOPE, Basis, RowSums
from pipelines.word2vec.modes.moves import (
    NO_BLOCK,
    Move,
    ReadMove,
    SideMove,
    as_batch,
    base_move,
    base_of,
    passed_on,
    passed_row,
    read_moves,
    side_move,
    side_move_of,
)
from pipelines.word2vec.plan import Round, trainer_segment
from pipelines.word2vec.stored_model import (
    INPUTS,
    OUTPUTS,
    EnergyChange,
    StoredModel,
    blocks,
    history_row,
    measures_row,
    model_row,
    watched_row,
)
from pipelines.word2vec.trainer import Trainer

Task = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class MergedRound:
    """One round, as all of its tasks know it.

    Args:
        parameters: Parameters of the trainers.
        part: Part of an epoch that is trained.
        number: Number of the round, from 1.
        trainers: Trainers that share the part.
        start: What is known of the version that the round begins with.
    """

    parameters: TrainerParameters
    part: Round
    number: int
    trainers: int
    start: Start


def train_task(job: MergedRound, history: History) -> Task:
    """Return the task of trainers: rows of trainer numbers in, rows of `moves.MOVES` out.

    A task reads the model once; its trainers begin from it one after the other.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        numbers = [number for batch in batches for number in batch.column(0).to_pylist()]
        if not numbers:
            return
        with threadpool_limits(1), ThreadPoolExecutor(job.parameters.threads) as pool:
            replica = _Replica(job)
            for number in numbers:
                yield from map(as_batch, replica.train(number, pool))
                if number == 0:
                    yield as_batch(passed_on(history_row(history)))

    return run


class _Replica:
    """A task's copy of the model; trainers use it in turn, and each resets it after itself."""

    def __init__(self, job: MergedRound) -> None:
        self._job = job
        stored = StoredModel(job.parameters.folder)
        self._trainer = Trainer(stored, job.parameters)
        self._with_copies = load_model(stored, job.number - 1, job.parameters)
        self._model = without_copies(self._with_copies, job.parameters)
        job.start.stretch.apply(*self._model)
        self._base = Model(*(side.copy() for side in self._model))
        size = job.parameters.rows
        self._touches = Touches(np.zeros(size, np.float32), np.zeros(size, np.float32))
        self._trainer.compile(self._with_copies)

    def train(self, number: int, pool: Executor) -> Iterator[Move]:
        """Train one trainer's slice, yield its moves, and reset the model."""
        job = self._job
        segment = trainer_segment(
            job.part,
            trainer=number,
            trainers=job.trainers,
            shards=job.parameters.shards,
            seed=job.parameters.seed,
        )
        measures = {"held_out_loss": self._trainer.held_out_loss(self._base)} if not number else {}
        measures |= self._trainer.train(self._with_copies, segment, pool, self._touches)
        yield passed_on(measures_row(number, [measures]))
        if number == 0:
            yield from self._base_moves()
        yield from self._side_moves(number)

    def _base_moves(self) -> Iterator[Move]:
        """Yield the model that the round begins with, and the basis in which moves are merged.

        The moment is the mean of those at the round's start and at the trainer's end: in early
        rounds rows grow so fast that the first alone is far below the curvature of most steps.
        """
        weights = self._trainer.score_weights()
        moment = (joint_moment(self._base, weights) + joint_moment(self._model, weights)) / 2
        basis = Basis.of(moment).to_bytes()
        for block, part in blocks(self._job.parameters.vocabulary_size):
            yield base_move(block, basis, self._base.inputs[part], self._base.outputs[part])

    def _side_moves(self, number: int) -> Iterator[Move]:
        """Yield how the trainer moved each side, and what it changed in watched directions."""
        start = self._job.start
        change = np.zeros(len(start.axes))
        for side, (kind, sign) in enumerate(((INPUTS, 1), (OUTPUTS, -1))):
            base, model, touches = self._base[side], self._model[side], self._touches[side]
            for block, part in blocks(self._job.parameters.vocabulary_size):
                ids = np.flatnonzero(touches[part])
                if ids.size:
                    before, after = base[part][ids], model[part][ids]
                    change += sign * energy_change(before, after, start.axes)
                    moved = SideMove(ids.astype(np.int32), after - before, touches[part][ids])
                    yield side_move(block, number, kind, moved)
                    model[part][ids] = before
            touches[:] = 0
        known = {"axes": start.axes.ravel().tolist(), "balance": start.balance.tolist()}
        watched = EnergyChange(change.tolist(), **(known if number == 0 else {}))
        yield passed_on(watched_row(number, watched))


def loss_task(parameters: TrainerParameters, version: int, start: Start) -> Task:
    """Return the task that measures the held-out loss of a version: one row of `loss` out."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if not sum(batch.num_rows for batch in batches):
            return
        stored = StoredModel(parameters.folder)
        model = without_copies(load_model(stored, version, parameters), parameters)
        start.stretch.apply(*model)
        loss = Trainer(stored, parameters).held_out_loss(model)
        yield pa.RecordBatch.from_arrays([pa.array([loss])], names=["loss"])

    return run


def merge_task(job: MergedRound) -> Task:
    """Return the task of a merge: `MOVES` by position and trainer in, rows of `stored_model` out.

    Each partition ends with the moments of its blocks.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        moments = Moments(job.parameters.vector_size)
        with threadpool_limits(1):
            for position, moves in groupby(read_moves(batches), key=lambda move: move.position):
                if position == NO_BLOCK:
                    yield from rows(passed_row(move) for move in moves).to_batches()
                    continue
                model = _merged(job, moves)
                moments.add(position, *model)
                yield from rows([model_row(position, *model)]).to_batches()
        for row in moments.rows():
            yield from rows([row]).to_batches()

    return run


def _merged(job: MergedRound, moves: Iterator[ReadMove]) -> Model:
    """Return a block of the merged model."""
    dimension = job.parameters.vector_size
    basis, base = base_of(next(moves), dimension)
    sums = {INPUTS: RowSums(base.inputs), OUTPUTS: RowSums(base.outputs)}
    for move in moves:
        sums[move.kind].add(*side_move_of(move, dimension))
    learning_rate = job.part.learning_rates.middle
    input_slope = SLOPE * (1 + job.parameters.negative)
    inputs = sums[INPUTS].merged(basis, learning_rate=learning_rate, slope=input_slope)
    outputs = sums[OUTPUTS].merged(basis, learning_rate=learning_rate, slope=SLOPE)
    return Model(inputs, outputs)
