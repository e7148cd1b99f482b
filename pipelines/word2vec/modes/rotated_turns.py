"""Training of a model larger than an executor: its parts go around, and no row has two trainers.

Input and output rows are each cut into as many classes as there are trainers. In a turn trainer i
has input class i and output class i + shift, and trains the pairs of the round's tokens that fall
there; after as many turns as classes every pair was trained once, and nothing has to be merged.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.training.rounds import History
from pipelines.training.stored_arrays import Content, rows
from pipelines.word2vec.blocks import blocks, positions_of_class
from pipelines.word2vec.kernels import block_kernel, loss
from pipelines.word2vec.kernels.arguments import NO_SENTENCES, LearningRates, Sentences
from pipelines.word2vec.plan import Turn, trainer_segment
from pipelines.word2vec.sampling import (
    chunk_size,
    keep_probabilities,
    noise_table,
    noise_weights,
    shared_negatives,
)
from pipelines.word2vec.stored_model import (
    INPUTS,
    OUTPUTS,
    StoredModel,
    history_row,
    measures_row,
    side_row,
    version_name,
)
from pipelines.word2vec.trainer import Place, TrainerParameters, new_rows, train_parts

_FEWEST_SHARED = 2


@dataclass(frozen=True)
class RotatedTurn:
    """One turn: what all of its tasks know."""

    parameters: TrainerParameters
    turn: Turn
    number: int


def turn_task(
    job: RotatedTurn, history: History
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of trainers: rows of trainer numbers in, rows of `stored.SCHEMA` out."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        numbers = [number for batch in batches for number in batch.column(0).to_pylist()]
        with ThreadPoolExecutor(job.parameters.threads) as pool:
            for number in numbers:
                for row in _Block(job, number).trained(pool):
                    yield from rows([row]).to_batches()
                if number == 0:
                    yield from rows([history_row(history)]).to_batches()

    return run


class _Block:
    """Input rows of one class and output rows of another, and what training them needs."""

    def __init__(self, job: RotatedTurn, own: int) -> None:
        parameters, self._job = job.parameters, job
        self._own, self._other = own, (own + job.turn.shift) % parameters.classes
        self._stored = StoredModel(parameters.folder)
        counts = self._stored.counts(parameters.vocabulary_size)
        weights = noise_weights(counts, parameters.ns_exponent)
        self._keep = keep_probabilities(counts, parameters.sample)
        self._noise = noise_table(counts[self._other :: parameters.classes], parameters.ns_exponent)
        self._share = float(weights[self._other :: parameters.classes].sum() / weights.sum())
        self._chunk = chunk_size(
            counts,
            parameters.ns_exponent,
            window=parameters.window_size,
            negative=parameters.negative,
            learning_rate=parameters.learning_rate,
            is_cbow=False,
        )
        # A token meets every class in turn: over all of them it has as many negatives as elsewhere.
        self._shared = max(_FEWEST_SHARED, shared_negatives(is_cbow=False) // parameters.classes)
        self._inputs = self._loaded(INPUTS, self._own)
        self._outputs = self._loaded(OUTPUTS, self._other)

    def trained(self, pool: Executor) -> Iterator[Content]:
        """Train the block on the turn's part of the pass; yield its measures and its rows."""
        parameters, turn = self._job.parameters, self._job.turn
        self._train(NO_SENTENCES, LearningRates(0.0, 0.0), (0, 0, 0, 0))  # compiles
        segment = trainer_segment(
            turn, trainer=0, trainers=1, shards=parameters.shards, seed=parameters.seed
        )
        measures = train_parts(self._stored, segment, parameters, pool, self._train)
        yield measures_row(self._own, [measures | self._measured()])
        sides = ((INPUTS, self._own, self._inputs), (OUTPUTS, self._other, self._outputs))
        for kind, number, matrix in sides:
            first = self._positions(number).start
            for n, part in blocks(len(matrix)):
                yield side_row(kind, first + n, matrix[part])

    def _train(self, sentences: Sentences, rates: LearningRates, place: Place) -> None:
        parameters = self._job.parameters
        seeds = [
            int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)
            for entropy in ([parameters.seed, *place],
                            [parameters.seed, *place, self._own, self._other, self._job.number])
        ]  # fmt: skip
        block_kernel.train_block(
            *sentences, self._keep, self._noise, self._share, self._inputs, self._outputs,
            *rates, (self._own, self._other, parameters.classes), parameters.window_size,
            parameters.negative, self._chunk, self._shared, *seeds,
        )  # fmt: skip

    def _measured(self) -> dict[str, float]:
        """Return the losses of the block's held-out pairs, their number, and if all is finite."""
        parameters = self._job.parameters
        total, count = loss.held_out_loss(
            self._stored.held_out(), self._noise, (self._inputs, self._outputs),
            window=parameters.window_size, negative=parameters.negative, is_cbow=False,
            block=(self._own, self._other, parameters.classes),
        )  # fmt: skip
        is_finite = np.isfinite(self._inputs).all() and np.isfinite(self._outputs).all()
        return {"loss": total, "pairs": count, "is_finite": float(is_finite)}

    def _loaded(self, kind: str, number: int) -> np.ndarray:
        """Return the vectors of one side of a class as the turn begins with them."""
        parameters, version = self._job.parameters, self._job.number - 1
        count = len(range(number, parameters.vocabulary_size, parameters.classes))
        matrix = np.zeros((count, parameters.vector_size), np.float32)
        positions = self._positions(number)
        if version > 0:
            self._stored.fill_side(version_name(version), kind, positions, matrix)
        elif kind == INPUTS:
            for n, part in blocks(count):
                size = part.stop - part.start
                matrix[part] = new_rows(size, parameters, block=positions.start + n)
        return matrix

    def _positions(self, number: int) -> range:
        parameters = self._job.parameters
        return positions_of_class(number, parameters.vocabulary_size, parameters.classes)
