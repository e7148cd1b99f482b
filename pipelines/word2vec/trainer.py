"""One model in one process, trained by threads without locks (Hogwild, Niu et al. 2011)."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from pipelines.arrays.grouping import taken
from pipelines.word2vec.kernels import loss, sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    NO_SENTENCES,
    UNCOUNTED,
    LearningRates,
    Model,
    Sampling,
    Sentences,
    Touches,
)
from pipelines.word2vec.kernels.hot_rows import fold, own_rows
from pipelines.word2vec.model import TrainerParameters
from pipelines.word2vec.modes.merge import NEGATIVE_SHARE
from pipelines.word2vec.plan import Segment, ShardPart
from pipelines.word2vec.sampling import (
    keep_probabilities,
    noise_table,
    noise_weights,
)
from pipelines.word2vec.stored_model import StoredModel

Place = tuple[int, int, int, int]
"""What a seed follows from: epoch, shard, start of the shard's part in units of 2^-30, thread."""
Work = Callable[[Sentences, LearningRates, Place], None]
"""Trains some sentences."""


def train_parts(
    stored: StoredModel, segment: Segment, parameters: TrainerParameters, pool: Executor, work: Work
) -> dict[str, float]:
    """Train a segment: threads share the sentences of each of its parts.

    Threads do not wait for each other between parts: the next is read while one is trained.

    Args:
        stored: The run's folder.
        segment: What to train.
        parameters: Parameters of the trainer.
        pool: Runs the threads.
        work: Trains a thread's sentences of a part.

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
        for thread, own in enumerate(sentences.split(parameters.threads)):
            tasks.append(pool.submit(work, own, LearningRates(*ends), (*place, thread)))
        while len(tasks) > 2 * parameters.threads:
            tasks.popleft().result()
    for task in tasks:
        task.result()
    seconds = time.monotonic() - started
    return {"epoch": segment.epoch + 1, "tokens": tokens, "seconds": seconds, "learning_rate": last}


def _sentences(stored: StoredModel, part: ShardPart, *, seed: tuple[int, ...]) -> Sentences:
    """Return the sentences that begin in a shard part.

    The seed shuffles all sentences of the shard, in one order for all trainers with a part of it.
    """
    tokens, offsets = stored.shard(part.shard)
    order = np.random.default_rng(seed).permutation(offsets.size - 1)
    offsets, tokens = taken(tokens, offsets, order)
    bounds = np.searchsorted(offsets, np.array([part.start, part.stop]) * offsets[-1])
    first, last = bounds[0], offsets.size - 1 if part.stop == 1 else bounds[1]
    return Sentences(tokens, offsets[first : last + 1])


class Trainer:
    """Trains a model on stored sentences; it has all that training needs but the model."""

    def __init__(self, stored: StoredModel, parameters: TrainerParameters) -> None:
        self._stored, self._parameters = stored, parameters
        self._free: SimpleQueue[int] = SimpleQueue()  # numbers of threads whose copies are free
        for thread in range(parameters.threads):
            self._free.put(thread)
        self._counts = stored.counts(parameters.vocabulary_size)
        self._sampling = Sampling(
            keep_probabilities(self._counts, parameters.sample),
            noise_table(self._counts, parameters.ns_exponent),
        )
        self._options = parameters.to_options(self._counts)

    def compile(self, model: Model) -> None:
        """Train on no sentence, so that what is timed later does not compile."""
        taken(*NO_SENTENCES, np.empty(0, np.int64))
        self._train(model, UNCOUNTED, NO_SENTENCES, LearningRates(0.0, 0.0), (0, 0, 0, 0))

    def train(
        self, model: Model, segment: Segment, pool: Executor, touches: Touches = UNCOUNTED
    ) -> dict[str, float]:
        """Train one segment in place; return the measures of `train_parts`."""
        work = partial(self._train, model, touches)
        measures = train_parts(self._stored, segment, self._parameters, pool, work)
        for side in touches:
            fold(side, self._parameters.vocabulary_size, self._parameters.threads)
        return measures

    def held_out_loss(self, model: Model) -> float:
        """Return the mean loss of the held-out pairs; nan where there are none."""
        sentences = self._stored.held_out()
        if not sentences.tokens.size:
            return float("nan")
        total, count = loss.held_out_loss(
            sentences,
            self._sampling.noise,
            model,
            window=self._parameters.window_size,
            negative=self._parameters.negative,
            is_cbow=self._parameters.is_cbow,
        )
        return total / count if count else float("nan")

    def score_weights(self) -> np.ndarray:
        """Return each row's probability as input and as output of a score, (2, V)."""
        kept = self._counts * self._sampling.keep.astype(np.float64)
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
        try:
            sentence_kernel.train_sentences(
                sentences,
                self._sampling,
                model,
                rates,
                self._options,
                seed_of([parameters.seed, *place]),
                touches,
                own_rows(parameters.vocabulary_size, parameters.threads, thread),
            )
        finally:
            self._free.put(thread)


def seed_of(entropy: Sequence[int]) -> int:
    """Return a kernel's seed of 63 bits that follows from some numbers."""
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)
