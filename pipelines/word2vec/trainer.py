"""One model in one process, and the threads that train it without locks (Niu et al. 2011)."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from pipelines.arrays.grouping import taken
from pipelines.word2vec.kernels import loss, sentence_kernel
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
from pipelines.word2vec.shards import blocks
from pipelines.word2vec.stored_model import StoredModel

Model = tuple[np.ndarray, np.ndarray]
Rates = tuple[float, float]
Work = Callable[[np.ndarray, np.ndarray, Rates, tuple[int, ...]], None]
UNCOUNTED = (np.empty(0, np.float32), np.empty(0, np.float32))


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
    step_size: float
    classes: int = 1

    @property
    def rows(self) -> int:
        """Return the rows of either side of a model, copies for threads included."""
        size, threads = self.vocabulary_size, self.threads
        return size + threads * copied_rows(size, threads)


def _new_model(model: Model, settings: TrainerParameters) -> None:
    """Draw input vectors evenly from ±.5/d; output vectors are zero (word2vec's own)."""
    for block, part in blocks(settings.vocabulary_size):
        model[0][part] = new_rows(part.stop - part.start, settings, block=block)


def new_rows(count: int, settings: TrainerParameters, *, block: int) -> np.ndarray:
    """Return the first input vectors of a block, the same for whoever draws them."""
    dimension = settings.vector_size
    drawn = np.random.default_rng([settings.seed, block]).random((count, dimension), np.float32)
    return np.asarray((drawn - np.float32(0.5)) / np.float32(dimension))


def load_model(stored: StoredModel, version: int, settings: TrainerParameters) -> Model:
    """Return a version of the model; the first one where there is none to begin with.

    Behind its rows lie those of the threads: see `hot_rows`.
    """
    shape = settings.rows, settings.vector_size
    model = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    if version == 0 and not stored.has("round=0"):
        _new_model(model, settings)
    else:
        stored.fill_model(f"round={version}", model)
    return model


def without_copies(model: Model, settings: TrainerParameters) -> Model:
    """Return a model's rows without those of the threads."""
    inputs, outputs = (side[: settings.vocabulary_size] for side in model)
    return inputs, outputs


def train_pieces(
    stored: StoredModel, segment: Segment, settings: TrainerParameters, pool: Executor, work: Work
) -> dict[str, float]:
    """Have threads share each piece of a segment, and measure it.

    Pieces follow each other without a pause: the next one is read while one is trained.

    Args:
        stored: Where shards are.
        segment: What to train.
        settings: How many threads share a piece, and the seed of the order of sentences.
        pool: Runs them.
        work: Trains a part: token ids, offsets, learning rates at its ends, and its place (epoch,
            shard, where its piece begins, thread), from which its seed follows.
    """
    widths = np.r_[0, np.cumsum([piece.stop - piece.start for piece in segment.pieces])]
    shares = widths / max(widths[-1], 1e-12)
    rates = segment.first_rate + (segment.last_rate - segment.first_rate) * shares
    started, tokens, tasks = time.monotonic(), 0, deque[Future[None]]()
    for piece, ends in zip(segment.pieces, pairwise(rates.tolist()), strict=False):
        ids, offsets = _sentences(stored, piece, seed=(settings.seed, segment.epoch, piece.shard))
        tokens += int(offsets[-1] - offsets[0])
        place = (segment.epoch, piece.shard, round(piece.start * (1 << 30)))
        for thread, part in enumerate(_parts(offsets, settings.threads)):
            tasks.append(pool.submit(work, ids, part, ends, (*place, thread)))
        while len(tasks) > 2 * settings.threads:
            tasks.popleft().result()
    for task in tasks:
        task.result()
    return {
        "epoch": segment.epoch + 1,
        "tokens": tokens,
        "seconds": time.monotonic() - started,
        "learning_rate": segment.last_rate,
    }


def _sentences(
    stored: StoredModel, piece: ShardPart, *, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a piece's token ids and offsets: the sentences that begin in it.

    A shard's sentences come in an order of the seed, the same for all who have a piece of it.
    """
    ids, offsets = stored.sentences("shard", piece.shard)
    order = np.random.default_rng(seed).permutation(offsets.size - 1)
    offsets, ids = taken(ids, offsets, order)
    bounds = np.searchsorted(offsets, np.array([piece.start, piece.stop]) * offsets[-1])
    first, last = bounds[0], offsets.size - 1 if piece.stop == 1 else bounds[1]
    return ids, offsets[first : last + 1]


def _parts(offsets: np.ndarray, threads: int) -> list[np.ndarray]:
    """Cut sentences into runs of about as many tokens each; a run may be empty."""
    wanted = np.linspace(offsets[0], offsets[-1], threads + 1)
    cuts = np.searchsorted(offsets, wanted)
    return [offsets[a : b + 1] for a, b in pairwise(cuts)]


class Trainer:
    """What training needs beside the model: sentences, chances, noise."""

    def __init__(self, stored: StoredModel, settings: TrainerParameters) -> None:
        self._stored, self._settings = stored, settings
        self._free: SimpleQueue[int] = SimpleQueue()  # whose copies of rows no call trains now
        for thread in range(settings.threads):
            self._free.put(thread)
        self._counts = stored.counts(settings.vocabulary_size)
        self._keep = keep_probabilities(self._counts, settings.sample)
        self._noise = noise_table(self._counts, settings.ns_exponent)
        self._chunk = chunk_size(
            self._counts, settings.ns_exponent, window=settings.window_size,
            negative=settings.negative, step_size=settings.step_size, is_cbow=settings.is_cbow,
        )  # fmt: skip

    def compile(self, model: Model) -> None:
        """Train on no sentence: the first call on a machine compiles, and is not to be timed."""
        nothing = np.empty(0, np.int32), np.zeros(1, np.int64)
        taken(*nothing, np.empty(0, np.int64))
        self._train(model, UNCOUNTED, *nothing, (0.0, 0.0), (0, 0, 0))

    def train(
        self, model: Model, segment: Segment, pool: Executor, touches: Model = UNCOUNTED
    ) -> dict[str, float]:
        """Train one segment in place, and measure it."""
        measured = train_pieces(
            self._stored, segment, self._settings, pool,
            lambda *part: self._train(model, touches, *part),
        )  # fmt: skip
        for side in touches:
            fold(side, self._settings.vocabulary_size, self._settings.threads)
        return measured

    def held_out_loss(self, model: Model) -> float:
        """Return the mean loss of the held-out pairs; nan where there are none."""
        sentences = self._stored.sentences("held_out", 0)
        if not sentences[0].size:
            return float("nan")
        settings = self._settings
        total, count = loss.held_out_loss(
            sentences, self._noise, model, window=settings.window_size, negative=settings.negative,
            is_cbow=settings.is_cbow,
        )  # fmt: skip
        return total / count if count else float("nan")

    def score_weights(self) -> np.ndarray:
        """Return each row's chance as the input and as the output of a score, 2 by V."""
        positive = self._counts * self._keep.astype(np.float64)
        positive /= positive.sum()
        negative = noise_weights(self._counts, self._settings.ns_exponent)
        negative /= negative.sum()
        mixed = (1 - NEGATIVE_SHARE) * positive + NEGATIVE_SHARE * negative
        return np.stack([positive, mixed])

    def _train(
        self, model: Model, touches: Model, tokens: np.ndarray, offsets: np.ndarray, rates: Rates,
        place: tuple[int, ...],
    ) -> None:  # fmt: skip
        settings, thread = self._settings, self._free.get()
        seed = np.random.SeedSequence([settings.seed, *place])
        try:
            sentence_kernel.train_sentences(
                tokens, offsets, self._keep, self._noise, *model, *rates,
                settings.is_cbow, settings.window_size, settings.negative, self._chunk,
                shared_negatives(is_cbow=settings.is_cbow),
                int(seed.generate_state(1, np.uint64)[0] >> 1), *touches,
                own_rows(settings.vocabulary_size, settings.threads, thread),
            )  # fmt: skip
        finally:
            self._free.put(thread)
