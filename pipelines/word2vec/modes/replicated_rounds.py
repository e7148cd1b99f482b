"""Training on many executors: each trains a copy of the model, and a shuffle merges them."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from pipelines.training.stored_arrays import block_matrix, rows
from pipelines.word2vec.kernels.arguments import Model
from pipelines.word2vec.modes.balance import Moments, Start, joint_moment
from pipelines.word2vec.modes.merge import SLOPE, Basis, RowSums
from pipelines.word2vec.plan import Round, trainer_segment
from pipelines.word2vec.shards import blocks
from pipelines.word2vec.stored_model import StoredModel
from pipelines.word2vec.trainer import Trainer, TrainerParameters, load_model, without_copies

MOVES = "position int, trainer int, kind string, first binary, second binary, third binary"
"""What trainers send to the merge. `base` rows: basis and rows of a block; `inputs` and `outputs`
rows: ids, deltas and touches of one trainer in it; others are passed on."""

_ARROW = pa.schema(
    [("position", pa.int32()), ("trainer", pa.int32()), ("kind", pa.string()),
     ("first", pa.binary()), ("second", pa.binary()), ("third", pa.binary())]
)  # fmt: skip
_ELSEWHERE = -1  # position of what belongs to no block
Move = tuple[int, int, str, bytes, bytes, bytes]
Task = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class MergedRound:
    """One round: what all of its tasks know."""

    parameters: TrainerParameters
    part: Round
    number: int
    trainers: int
    start: Start


def train_task(job: MergedRound, history: list[dict[str, float]]) -> Task:
    """Return the task of trainers: rows of trainer numbers in, rows of `MOVES` out.

    A task reads the model once; its trainers begin from it one after the other.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        numbers = [number for batch in batches for number in batch.column(0).to_pylist()]
        if not numbers:
            return
        with threadpool_limits(1), ThreadPoolExecutor(job.parameters.threads) as pool:
            replica = _Replica(job)
            for number in numbers:
                yield from map(_batch, replica.train(number, pool))
                if number == 0:
                    yield _batch(_note("history", 0, history))

    return run


class _Replica:
    """A model that one trainer after the other begins from and leaves as it was."""

    def __init__(self, job: MergedRound) -> None:
        self._job = job
        stored = StoredModel(job.parameters.folder)
        self._trainer = Trainer(stored, job.parameters)
        self._shared = load_model(stored, job.number - 1, job.parameters)
        self._model = without_copies(self._shared, job.parameters)
        job.start.stretch.apply(*self._model)
        self._base = Model(*(side.copy() for side in self._model))
        size = job.parameters.rows
        self._touches = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self._trainer.compile(self._shared)

    def train(self, number: int, pool: Executor) -> Iterator[Move]:
        """Train one trainer's slice, yield what it did, and undo it."""
        job = self._job
        segment = trainer_segment(
            job.part, trainer=number, trainers=job.trainers, shards=job.parameters.shards,
            seed=job.parameters.seed,
        )  # fmt: skip
        measured = {"held_out_loss": self._trainer.held_out_loss(self._base)} if not number else {}
        measured |= self._trainer.train(self._shared, segment, pool, self._touches)
        yield _note("measures", number, [measured])
        if number == 0:
            yield from self._base_rows()
        yield from self._moves(number)

    def _base_rows(self) -> Iterator[Move]:
        """Yield the model that the round begins with, and the basis in which moves are merged.

        The moment is that of the round's begin and of the trainer's end by half: where rows grow
        fast, as they do at first, that of the begin knows nothing of the curvature they come to.
        """
        weights = self._trainer.score_weights()
        moment = (joint_moment(self._base, weights) + joint_moment(self._model, weights)) / 2
        basis = Basis.of(moment).to_bytes()
        for block, part in blocks(self._job.parameters.vocabulary_size):
            inputs, outputs = (side[part].tobytes() for side in self._base)
            yield block, -1, "base", basis, inputs, outputs

    def _moves(self, number: int) -> Iterator[Move]:
        change = np.zeros(len(self._job.start.axes))
        for side, kind in enumerate(("inputs", "outputs")):
            for block, part in blocks(self._job.parameters.vocabulary_size):
                ids = np.flatnonzero(self._touches[side][part])
                if ids.size:
                    base, rows = self._base[side][part][ids], self._model[side][part][ids]
                    change += (1 - 2 * side) * _energy_change(base, rows, self._job.start.axes)
                    touches = self._touches[side][part][ids].tobytes()
                    yield (block, number, kind, ids.astype(np.int32).tobytes(),
                           (rows - base).tobytes(), touches)  # fmt: skip
                    self._model[side][part][ids] = base
            self._touches[side][:] = 0
        yield _note("watched", number, self._watched(number, change))

    def _watched(self, number: int, change: np.ndarray) -> dict[str, list[float]]:
        start = self._job.start
        own = {"change": change.tolist()}
        if number:
            return own
        return own | {"axes": start.axes.ravel().tolist(), "balance": start.balance.tolist()}


def loss_task(parameters: TrainerParameters, version: int, start: Start) -> Task:
    """Return the task that measures the held-out loss of a version: one number."""

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
    """Return the task of a merge: `MOVES` sorted by position and trainer in, `stored.SCHEMA` out.

    Each partition ends with a `moments` row: the sums over its blocks.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        moments = Moments(job.parameters.vector_size)
        with threadpool_limits(1):
            for position, moves in groupby(_moves(batches), key=lambda move: move[0]):
                if position == _ELSEWHERE:
                    passed = [(kind, n, first.as_py(), b"") for _, n, kind, first, *_ in moves]
                    yield from rows(passed).to_batches()
                    continue
                model = _merged(job, moves)
                moments.add(position, *model)
                yield from rows([("model", position, *(m.tobytes() for m in model))]).to_batches()
        yield from moments.rows()

    return run


def _moves(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple]:  # type: ignore[type-arg]
    for batch in batches:
        plain = [batch.column(n).to_pylist() for n in range(3)]
        yield from zip(*plain, *(batch.column(n) for n in (3, 4, 5)), strict=True)


def _merged(job: MergedRound, moves: Iterator[tuple]) -> Model:  # type: ignore[type-arg]
    """Return a block of the merged model."""
    dimension = job.parameters.vector_size
    _, _, _, basis, *base = next(moves)  # sent as trainer -1, sorted first
    sides = [block_matrix(side, dimension) for side in base]
    sums = {kind: RowSums(side) for kind, side in zip(("inputs", "outputs"), sides, strict=True)}
    for _, _, kind, ids, deltas, touches in moves:
        numbers = np.frombuffer(ids.as_buffer(), np.int32)
        counted = np.frombuffer(touches.as_buffer(), np.float32)
        sums[kind].add(numbers, block_matrix(deltas, dimension), counted)
    directions = Basis.from_bytes(basis.as_buffer(), dimension)
    learning_rate, slope = job.part.learning_rates.middle, SLOPE
    inputs = sums["inputs"].merged(
        directions, learning_rate=learning_rate, slope=slope * (1 + job.parameters.negative)
    )
    outputs = sums["outputs"].merged(directions, learning_rate=learning_rate, slope=slope)
    return Model(inputs, outputs)


def _energy_change(base: np.ndarray, rows: np.ndarray, axes: np.ndarray) -> np.ndarray:
    before, after = ((side @ axes.T.astype(np.float32)).astype(np.float64) for side in (base, rows))
    return np.asarray((after**2 - before**2).sum(axis=0))


def _note(kind: str, trainer: int, content: object) -> Move:
    return (_ELSEWHERE, trainer, kind, json.dumps(content).encode(), b"", b"")


def _batch(move: Move) -> pa.RecordBatch:
    columns = [pa.array([value], field.type) for value, field in zip(move, _ARROW, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)
