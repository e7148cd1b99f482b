"""What a trainer's task is sent, and the model that it begins with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.training.stored_arrays import round_name
from pipelines.word2vec.kernels.arguments import Model, Options
from pipelines.word2vec.kernels.hot_rows import copied_rows
from pipelines.word2vec.sampling import chunk_size, shared_negatives
from pipelines.word2vec.stored_model import StoredModel, blocks


@dataclass(frozen=True)
class TrainerParameters:
    """What a trainer's task is sent: the run's folder and plain settings.

    Args:
        folder: Folder of the run: see `stored_model`.
        vocabulary_size: Token ids.
        shards: Shards of sentences.
        is_cbow: CBOW, else skip-gram.
        vector_size: Components of a vector, d.
        window_size: Most tokens on each side.
        negative: Negatives per positive pair.
        sample: Relative frequency above which occurrences are skipped; 0 keeps all.
        ns_exponent: Negatives are drawn in proportion to count to this power.
        seed: Seed of all draws.
        threads: Threads of a task.
        learning_rate: Learning rate at the start of training.
        classes: Classes of token ids that mode rotated cuts the model into.
    """

    folder: str
    vocabulary_size: int
    shards: int
    is_cbow: bool
    vector_size: int
    window_size: int
    negative: int
    sample: float
    ns_exponent: float
    seed: int
    threads: int
    learning_rate: float
    classes: int = 1

    @property
    def rows(self) -> int:
        """Return the rows of either matrix of a model, copies for threads included."""
        size, threads = self.vocabulary_size, self.threads
        return size + threads * copied_rows(size, threads)

    def to_options(self, counts: NDArray[np.int64]) -> Options:
        """Return the kernel's options for tokens of these counts."""
        chunk = chunk_size(
            counts,
            self.ns_exponent,
            window=self.window_size,
            negative=self.negative,
            learning_rate=self.learning_rate,
            is_cbow=self.is_cbow,
        )
        shared = shared_negatives(is_cbow=self.is_cbow)
        return Options(self.is_cbow, self.window_size, self.negative, chunk, shared)


def new_rows(count: int, parameters: TrainerParameters, *, block: int) -> np.ndarray:
    """Return a block's input vectors of a new model, which depend on seed and block alone.

    They are drawn uniformly from ±0.5 / d, as in word2vec.c; output vectors begin at zero.
    """
    dimension = parameters.vector_size
    drawn = np.random.default_rng([parameters.seed, block]).random((count, dimension), np.float32)
    return np.asarray((drawn - np.float32(0.5)) / np.float32(dimension))


def load_model(stored: StoredModel, number: int, parameters: TrainerParameters) -> Model:
    """Return the model of a version; version 0 is a new model unless one is stored.

    Threads' copies of frequent rows are behind its own rows: see `hot_rows`.
    """
    shape = parameters.rows, parameters.vector_size
    model = Model(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    if number == 0 and not stored.has(round_name(0)):
        for block, part in blocks(parameters.vocabulary_size):
            model.inputs[part] = new_rows(part.stop - part.start, parameters, block=block)
    else:
        stored.fill_model(round_name(number), model)
    return model


def without_copies(model: Model, parameters: TrainerParameters) -> Model:
    """Return a view of a model without the threads' copies of rows."""
    size = parameters.vocabulary_size
    return Model(model.inputs[:size], model.outputs[:size])
