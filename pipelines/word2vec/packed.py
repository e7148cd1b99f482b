"""Training on one executor: a round is one task that trains with all of its threads."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from pipelines.word2vec import kernel, loss
from pipelines.word2vec.plan import Segment
from pipelines.word2vec.sampling import chunk_size, keep_probabilities, noise_table
from pipelines.word2vec.shards import Inbox, measures, model_rows, rows

_NOTHING = np.empty(0, np.float32)  # touches that nobody counts


@dataclass(frozen=True)
class Settings:
    """What a trainer's task needs to know: plain values, sent with the task."""

    is_cbow: bool
    vector_size: int
    window_size: int
    negative: int
    sample: float
    ns_exponent: float
    seed: int
    threads: int
    step_size: float


def round_task(
    settings: Settings, segments: list[Segment]
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of one round: rows of `shards.SCHEMA` in, model and measures out.

    Without `model` rows the task begins a new model.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        inbox = Inbox(batches)
        trainer = Trainer(inbox, settings)
        measured = inbox.measured()
        with threadpool_limits(1), ThreadPoolExecutor(settings.threads) as pool:
            trainer.compile(segments[0])
            measured += [trainer.train(segment, pool) for segment in segments]
        yield from rows([measures(measured)]).to_batches()
        for block in model_rows(*trainer.model):
            yield from rows([block]).to_batches()

    return run


def new_model(size: int, dimension: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return input vectors drawn evenly from ±.5/d and output vectors of zero (word2vec's own)."""
    rng = np.random.default_rng(seed)
    inputs = (rng.random((size, dimension), np.float32) - np.float32(0.5)) / np.float32(dimension)
    return inputs, np.zeros((size, dimension), np.float32)


class Trainer:
    """A model in one process and the threads that train it without locks (Niu et al. 2011)."""

    def __init__(self, inbox: Inbox, settings: Settings) -> None:
        self._inbox, self._settings = inbox, settings
        counts = inbox.counts()
        self._keep = keep_probabilities(counts, settings.sample)
        self._noise = noise_table(counts, settings.ns_exponent)
        self._chunk = chunk_size(
            counts, settings.ns_exponent, pairs=(settings.window_size + 1) * settings.negative,
            step_size=settings.step_size,
        )  # fmt: skip
        self.model = inbox.model(settings.vector_size) or new_model(
            counts.size, settings.vector_size, settings.seed
        )

    def compile(self, segment: Segment) -> None:
        """Train on no sentence: the first call on a machine compiles, and is not to be timed."""
        ids, offsets = self._inbox.sentences("shard", segment.shards[0])
        self._train(ids, offsets[:1], 0.0, 0.0, 0, 0, 0)

    def train(self, segment: Segment, pool: Executor) -> dict[str, float]:
        """Train one segment, each shard shared by the threads, and measure what came of it."""
        rates = np.linspace(segment.first_rate, segment.last_rate, len(segment.shards) + 1)
        started, tokens, pairs = time.monotonic(), 0, 0
        for n, shard in enumerate(segment.shards):
            ids, offsets = self._inbox.sentences("shard", shard)
            tokens += ids.size
            tasks = [
                pool.submit(self._train, ids, part, rates[n], rates[n + 1], segment.epoch, shard, i)
                for i, part in enumerate(_parts(offsets, self._settings.threads))
            ]
            pairs += sum(task.result() for task in tasks)
        seconds = time.monotonic() - started
        return {
            "epoch": segment.epoch + 1,
            "tokens": tokens,
            "pairs": pairs,
            "seconds": seconds,
            "learning_rate": segment.last_rate,
            "is_finite": float(np.isfinite(self.model[0]).all()),
            "held_out_loss": self._loss(),
        }

    def _train(
        self, tokens: np.ndarray, offsets: np.ndarray, first_rate: float, last_rate: float,
        epoch: int, shard: int, thread: int,
    ) -> int:  # fmt: skip
        settings = self._settings
        seed = np.random.SeedSequence([settings.seed, epoch, shard, thread])
        pairs = kernel.train_sentences(
            tokens, offsets, self._keep, self._noise, *self.model, first_rate, last_rate,
            settings.is_cbow, settings.window_size, settings.negative, self._chunk, kernel.SHARED,
            int(seed.generate_state(1, np.uint64)[0] >> 1), _NOTHING, _NOTHING,
        )  # fmt: skip
        return int(pairs)

    def _loss(self) -> float:
        if not self._inbox.positions("held_out"):
            return float("nan")
        return loss.held_out_loss(
            self._inbox.sentences("held_out", 0),
            self._noise,
            self.model,
            window=self._settings.window_size,
            negative=self._settings.negative,
            is_cbow=self._settings.is_cbow,
        )[0]


def _parts(offsets: np.ndarray, threads: int) -> list[np.ndarray]:
    """Cut a shard's sentences into runs of about as many tokens each; a run may be empty."""
    wanted = np.linspace(offsets[0], offsets[-1], threads + 1)
    cuts = np.searchsorted(offsets, wanted)
    return [offsets[a : b + 1] for a, b in pairwise(cuts)]
