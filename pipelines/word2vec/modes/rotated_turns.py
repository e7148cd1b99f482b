"""Training of a model larger than an executor: trainers take turns at its parts, without a merge.

Input and output rows are each cut into as many classes as there are trainers. In a turn trainer i
has input class i and output class i + shift, and trains the pairs of these two classes. After as
many turns as classes every pair of the cycle's tokens was trained once. In a turn a row belongs to
one trainer, so nothing has to be merged.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.training.rounds import History
from pipelines.training.stored_arrays import Content, round_name, rows
from pipelines.word2vec.kernels import block_kernel, loss
from pipelines.word2vec.kernels.arguments import (
    NO_SENTENCES,
    Block,
    LearningRates,
    Model,
    Sampling,
    Sentences,
)
from pipelines.word2vec.model import TrainerParameters, new_rows
from pipelines.word2vec.plan import Turn, trainer_segment
from pipelines.word2vec.sampling import keep_probabilities, noise_table, noise_weights
from pipelines.word2vec.stored_model import (
    INPUTS,
    OUTPUTS,
    StoredModel,
    blocks,
    history_row,
    measures_row,
    positions_of_class,
    side_row,
)
from pipelines.word2vec.trainer import Place, seed_of, train_parts

_FEWEST_SHARED = 2  # negatives drawn per chunk of a block, however many classes there are


@dataclass(frozen=True)
class RotatedTurn:
    """One turn, as all of its tasks know it: `number` is its round, from 1."""

    parameters: TrainerParameters
    turn: Turn
    number: int


def turn_task(
    job: RotatedTurn, history: History
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of trainers: rows of trainer numbers in, rows of `stored_model` out."""

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

    def __init__(self, job: RotatedTurn, number: int) -> None:
        parameters, classes = job.parameters, job.parameters.classes
        self._job, self._classes = job, Block(number, (number + job.turn.shift) % classes, classes)
        self._stored = StoredModel(parameters.folder)
        counts = self._stored.counts(parameters.vocabulary_size)
        own = slice(self._classes.outputs, None, classes)  # counts of the output class
        weights = noise_weights(counts, parameters.ns_exponent)
        self._sampling = Sampling(
            keep_probabilities(counts, parameters.sample),
            noise_table(counts[own], parameters.ns_exponent),
        )
        self._noise_share = float(weights[own].sum() / weights.sum())
        options = parameters.to_options(counts)
        # Each of the turns pushes a token from one class: together as many negatives as elsewhere.
        shared = max(_FEWEST_SHARED, options.shared // classes)
        self._options = options._replace(shared=shared)
        self._model = Model(
            self._loaded(INPUTS, self._classes.inputs), self._loaded(OUTPUTS, self._classes.outputs)
        )

    def trained(self, pool: Executor) -> Iterator[Content]:
        """Train the block on the turn's part of the epoch; yield its measures and its rows."""
        parameters, turn = self._job.parameters, self._job.turn
        self._train(NO_SENTENCES, LearningRates(0.0, 0.0), (0, 0, 0, 0))  # compiles
        segment = trainer_segment(
            turn, trainer=0, trainers=1, shards=parameters.shards, seed=parameters.seed
        )
        measures = train_parts(self._stored, segment, parameters, pool, self._train)
        yield measures_row(self._classes.inputs, [measures | self._measured()])
        kinds = (INPUTS, self._classes.inputs), (OUTPUTS, self._classes.outputs)
        for (kind, number), side in zip(kinds, self._model, strict=True):
            first = self._positions(number).start
            for n, part in blocks(len(side)):
                yield side_row(kind, first + n, side[part])

    def _train(self, sentences: Sentences, rates: LearningRates, place: Place) -> None:
        tokens_entropy = [self._job.parameters.seed, *place]
        own = self._classes.inputs, self._classes.outputs, self._job.number
        block_kernel.train_block(
            sentences,
            self._sampling,
            self._noise_share,
            self._model,
            rates,
            self._classes,
            self._options,
            (seed_of(tokens_entropy), seed_of([*tokens_entropy, *own])),
        )

    def _measured(self) -> dict[str, float]:
        """Return the loss of the block's held-out pairs, their number, and if all is finite."""
        total, count = loss.held_out_loss(
            self._stored.held_out(),
            self._sampling.noise,
            self._model,
            window=self._options.window,
            negative=self._options.negative,
            is_cbow=False,
            block=self._classes,
        )
        is_finite = all(np.isfinite(side).all() for side in self._model)
        return {"loss": total, "pairs": count, "is_finite": float(is_finite)}

    def _loaded(self, kind: str, number: int) -> np.ndarray:
        """Return the vectors of one side of a class as the turn begins with them."""
        parameters, version = self._job.parameters, self._job.number - 1
        count = len(range(number, parameters.vocabulary_size, parameters.classes))
        matrix = np.zeros((count, parameters.vector_size), np.float32)
        positions = self._positions(number)
        if version > 0:
            self._stored.fill_side(round_name(version), kind, positions, matrix)
        elif kind == INPUTS:
            for n, part in blocks(count):
                size = part.stop - part.start
                matrix[part] = new_rows(size, parameters, block=positions.start + n)
        return matrix

    def _positions(self, number: int) -> range:
        parameters = self._job.parameters
        return positions_of_class(number, parameters.vocabulary_size, parameters.classes)
