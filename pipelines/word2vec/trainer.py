"""One model in one process, and the threads that train it without locks (Niu et al. 2011)."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from pipelines.arrays.grouping import taken
from pipelines.word2vec.blocks import blocks
from pipelines.word2vec.kernels import loss, sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    NO_SENTENCES,
    UNCOUNTED,
    LearningRates,
    Model,
    Sentences,
    Touches,
)
from pipelines.word2vec.kernels.hot_rows import copied_rows, fold, own_rows
from pipelines.word2vec.modes.merge import NEGATIVE_SHARE
from pipelines.word2vec.plan import Segment, ShardPart
from pipelines.word2vec.sampling import (
    chunk_size,
    keep_probabilities,
    noise_table,
    noise_weights,
    shared_negatives,
)
from pipelines.word2vec.stored_model import StoredModel, version_name

Place = tuple[int, int, int, int]
"""Epoch, shard, share of the shard at which its part begins in units of 2^-30, and thread."""
Work = Callable[[Sentences, LearningRates, Place], None]


@dataclass(frozen=True)
class TrainerParameters:
    """What a trainer's task needs to know: plain values, sent with the task."""

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


def _fill_new(model: Model, parameters: TrainerParameters) -> None:
    """Draw input vectors uniformly from ±.5/d; output vectors are zero, as in word2vec.c."""
    for block, part in blocks(parameters.vocabulary_size):
        model.inputs[part] = new_rows(part.stop - part.start, parameters, block=block)


def new_rows(count: int, parameters: TrainerParameters, *, block: int) -> np.ndarray:
    """Return a new model's input vectors of a block; they depend on seed and block alone."""
    dimension = parameters.vector_size
    drawn = np.random.default_rng([parameters.seed, block]).random((count, dimension), np.float32)
    return np.asarray((drawn - np.float32(0.5)) / np.float32(dimension))


def load_model(stored: StoredModel, number: int, parameters: TrainerParameters) -> Model:
    """Return the model that a round left; round 0 is a new model unless one was stored.

    Threads' copies of frequent rows lie behind its own rows: see `hot_rows`.
    """
    shape = parameters.rows, parameters.vector_size
    model = Model(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    if number == 0 and not stored.has(version_name(0)):
        _fill_new(model, parameters)
    else:
        stored.fill_model(version_name(number), model)
    return model


def without_copies(model: Model, parameters: TrainerParameters) -> Model:
    """Return a view of a model without the threads' copies of rows."""
    size = parameters.vocabulary_size
    return Model(model.inputs[:size], model.outputs[:size])


def train_parts(
    stored: StoredModel, segment: Segment, parameters: TrainerParameters, pool: Executor, work: Work
) -> dict[str, float]:
    """Have threads share each shard part of a segment, and measure it.

    Threads need not wait between parts: the next one is read while one is trained.

    Args:
        stored: Where shards are.
        segment: What to train.
        parameters: How many threads share a part, and the seed of the order of sentences.
        pool: Runs the threads.
        work: Trains some sentences, given learning rates, and the place that its seed follows from.

    Returns:
        Epoch from 1, tokens, seconds, and the learning rate at the end.
    """
    widths = np.r_[0, np.cumsum([part.stop - part.start for part in segment.parts])]
    shares = widths / max(widths[-1], 1e-12)
    first, last = segment.learning_rates
    rates = (first + (last - first) * shares).tolist()
    started, tokens, tasks = time.monotonic(), 0, deque[Future[None]]()
    for part, ends in zip(segment.parts, pairwise(rates), strict=False):
        sentences = _sentences(stored, part, seed=(parameters.seed, segment.epoch, part.shard))
        tokens += sentences.token_count
        place = segment.epoch, part.shard, round(part.start * (1 << 30))
        for thread, own in enumerate(_split(sentences, parameters.threads)):
            tasks.append(pool.submit(work, own, LearningRates(*ends), (*place, thread)))
        while len(tasks) > 2 * parameters.threads:
            tasks.popleft().result()
    for task in tasks:
        task.result()
    seconds = time.monotonic() - started
    return {"epoch": segment.epoch + 1, "tokens": tokens, "seconds": seconds, "learning_rate": last}


def _sentences(stored: StoredModel, part: ShardPart, *, seed: tuple[int, ...]) -> Sentences:
    """Return the sentences that begin in a shard part.

    The seed shuffles the whole shard's sentences, alike for all trainers that have a part of it.
    """
    tokens, offsets = stored.shard(part.shard)
    order = np.random.default_rng(seed).permutation(offsets.size - 1)
    offsets, tokens = taken(tokens, offsets, order)
    bounds = np.searchsorted(offsets, np.array([part.start, part.stop]) * offsets[-1])
    first, last = bounds[0], offsets.size - 1 if part.stop == 1 else bounds[1]
    return Sentences(tokens, offsets[first : last + 1])


def _split(sentences: Sentences, threads: int) -> list[Sentences]:
    """Cut sentences into one run per thread, of about as many tokens each; a run may be empty."""
    tokens, offsets = sentences
    wanted = np.linspace(offsets[0], offsets[-1], threads + 1)
    cuts = np.searchsorted(offsets, wanted)
    return [Sentences(tokens, offsets[a : b + 1]) for a, b in pairwise(cuts)]


class Trainer:
    """What training needs beside the model: sentences, keep probabilities, noise."""

    def __init__(self, stored: StoredModel, parameters: TrainerParameters) -> None:
        self._stored, self._parameters = stored, parameters
        self._free: SimpleQueue[int] = SimpleQueue()  # threads whose copies of rows nobody trains
        for thread in range(parameters.threads):
            self._free.put(thread)
        self._counts = stored.counts(parameters.vocabulary_size)
        self._keep = keep_probabilities(self._counts, parameters.sample)
        self._noise = noise_table(self._counts, parameters.ns_exponent)
        self._chunk = chunk_size(
            self._counts,
            parameters.ns_exponent,
            window=parameters.window_size,
            negative=parameters.negative,
            learning_rate=parameters.learning_rate,
            is_cbow=parameters.is_cbow,
        )

    def compile(self, model: Model) -> None:
        """Train on no sentence: the first call on a machine compiles, and is not to be timed."""
        taken(*NO_SENTENCES, np.empty(0, np.int64))
        self._train(model, UNCOUNTED, NO_SENTENCES, LearningRates(0.0, 0.0), (0, 0, 0, 0))

    def train(
        self, model: Model, segment: Segment, pool: Executor, touches: Touches = UNCOUNTED
    ) -> dict[str, float]:
        """Train one segment in place, and measure it."""
        work = partial(self._train, model, touches)
        measured = train_parts(self._stored, segment, self._parameters, pool, work)
        for side in touches:
            fold(side, self._parameters.vocabulary_size, self._parameters.threads)
        return measured

    def held_out_loss(self, model: Model) -> float:
        """Return the mean loss of the held-out pairs; nan where there are none."""
        sentences = self._stored.held_out()
        if not sentences.tokens.size:
            return float("nan")
        total, count = loss.held_out_loss(
            sentences,
            self._noise,
            model,
            window=self._parameters.window_size,
            negative=self._parameters.negative,
            is_cbow=self._parameters.is_cbow,
        )
        return total / count if count else float("nan")

    def score_weights(self) -> np.ndarray:
        """Return each row's probability as the input and as the output of a score, 2 by V."""
        kept = self._counts * self._keep.astype(np.float64)
        noise = noise_weights(self._counts, self._parameters.ns_exponent)
        positive, negative = kept / kept.sum(), noise / noise.sum()
        mixed = (1 - NEGATIVE_SHARE) * positive + NEGATIVE_SHARE * negative
        return np.stack([positive, mixed])

    def _train(
        self,
        model: Model,
        touches: Touches,
        sentences: Sentences,
        rates: LearningRates,
        place: Place,
    ) -> None:
        parameters, thread = self._parameters, self._free.get()
        seed = np.random.SeedSequence([parameters.seed, *place])
        try:
            sentence_kernel.train_sentences(
                *sentences, self._keep, self._noise, *model, *rates,
                parameters.is_cbow, parameters.window_size, parameters.negative, self._chunk,
                shared_negatives(is_cbow=parameters.is_cbow),
                int(seed.generate_state(1, np.uint64)[0] >> 1), *touches,
                own_rows(parameters.vocabulary_size, parameters.threads, thread),
            )  # fmt: skip
        finally:
            self._free.put(thread)
