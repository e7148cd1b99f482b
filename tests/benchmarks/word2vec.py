"""Word2Vec: the kernel on one thread beside gensim, the whole job beside gensim and Spark MLlib.

Text8-style text, window 5, negative 5, sample 1e-3, min_count 5, rate .025 to .0001. `SEEDS` of the
environment trains so many seeds for quality; gensim on one thread takes five minutes for each.
`CASES` names cases: `one_thread`, `cbow`, `job`.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import REPETITIONS, paired, peer, write
from _text8 import (
    LAST_RATE,
    NEGATIVE,
    RATE,
    SAMPLE,
    WINDOW,
    Corpus,
    gensims,
    keyed,
    load,
    mean_ratio,
    quality,
)
from _word2vec_job import job_rows

from pipelines.word2vec.kernels import sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    UNCOUNTED,
    LearningRates,
    Model,
    Options,
    Sampling,
    Sentences,
)
from pipelines.word2vec.kernels.hot_rows import ALONE
from pipelines.word2vec.sampling import (
    chunk_size,
    keep_probabilities,
    noise_table,
    shared_negatives,
)

SPEED_WORDS = 4_000_000
SEEDS = int(os.environ.get("SEEDS", "1"))
CASES = os.environ.get("CASES", "one_thread,cbow,job").split(",")
CBOW_RATE = 0.15


def shuffled(corpus: Corpus, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sentences in another order, as shards in a fresh order have it."""
    order = np.random.default_rng(seed).permutation(corpus.offsets.size - 1)
    parts = [corpus.tokens[corpus.offsets[n] : corpus.offsets[n + 1]] for n in order]
    return np.concatenate(parts), np.r_[0, np.cumsum(np.diff(corpus.offsets)[order])]


def ours(
    corpus: Corpus,
    dimension: int,
    epochs: int,
    seed: int,
    *,
    rate: float = RATE,
    is_cbow: bool = False,
) -> tuple[float, np.ndarray]:
    """Train by the kernel; return words per second and the vectors."""
    rng = np.random.default_rng(seed)
    inputs = ((rng.random((len(corpus.words), dimension)) - 0.5) / dimension).astype(np.float32)
    outputs = np.zeros_like(inputs)
    keep, noise = keep_probabilities(corpus.counts, SAMPLE), noise_table(corpus.counts, 0.75)
    chunk = chunk_size(
        corpus.counts, 0.75, window=WINDOW, negative=NEGATIVE, learning_rate=rate, is_cbow=is_cbow
    )
    shared = shared_negatives(is_cbow=is_cbow)
    rates = np.linspace(rate, LAST_RATE, epochs + 1)
    seconds = 0.0
    for epoch in range(epochs):
        tokens, offsets = shuffled(corpus, seed * 100 + epoch)
        started = time.perf_counter()
        sentence_kernel.train_sentences(
            Sentences(tokens, offsets),
            Sampling(keep, noise),
            Model(inputs, outputs),
            LearningRates(rates[epoch], rates[epoch + 1]),
            Options(is_cbow, WINDOW, NEGATIVE, chunk, shared),
            seed * 100 + epoch,
            UNCOUNTED,
            ALONE,
        )
        seconds += time.perf_counter() - started
    return corpus.raw * epochs / seconds, inputs


def one_thread(name: str, corpus: Corpus, dimension: int) -> dict[str, Any]:
    """Measure the kernel's speed beside gensim's."""
    ours(corpus, dimension, 1, 1)  # compiled and warm
    speed, its = paired(
        lambda: ours(corpus, dimension, 1, 1)[0], lambda: gensims(corpus, dimension, 1, 1)[0]
    )
    return _row(name, corpus, speed, peer("gensim"), its)


def cbow(corpus: Corpus) -> dict[str, Any]:
    """Measure CBOW beside our own skip-gram, each at its own learning rate."""
    ours(corpus, 100, 1, 1, rate=CBOW_RATE, is_cbow=True)
    speed, its = paired(
        lambda: ours(corpus, 100, 1, 1, rate=CBOW_RATE, is_cbow=True)[0],
        lambda: ours(corpus, 100, 1, 1)[0],
    )
    return _row("one thread, CBOW, d=100", corpus, speed, "our skip-gram", its)


def _row(name: str, corpus: Corpus, speed: float, other: str | None, its: float) -> dict[str, Any]:
    return {
        "case": name,
        "metric": "words_per_second",
        "unit": "words/s",
        "ours": speed,
        "peer": other,
        "peer_value": its,
        "quality": {},
        "rows": corpus.raw,
        "threads": 1,
        "runs": REPETITIONS,
    }


def with_quality(rows: list[dict[str, Any]], corpus: Corpus) -> None:
    """Train three epochs of the whole text by each seed and put the scores beside the speeds."""
    seeds = range(1, SEEDS + 1)
    own = [quality(keyed(corpus.words, ours(corpus, 100, 3, s)[1])) for s in seeds]
    if "cbow" in CASES:
        bags = [
            quality(keyed(corpus.words, ours(corpus, 100, 3, s, rate=CBOW_RATE, is_cbow=True)[1]))
            for s in seeds
        ]
        rows[-1]["quality"] = {"ours": bags, "peer": own, "mean_ratio": mean_ratio(bags, own)}
    if "one_thread" in CASES:
        its = [quality(gensims(corpus, 100, 3, s)[1]) for s in seeds]
        rows[0]["quality"] = {"ours": own, "peer": its, "mean_ratio": mean_ratio(own, its)}


def main() -> None:
    """Run the cases and write them."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some, short = (load(folder, line=n, words=SPEED_WORDS) for n in (1000, 20))
        if "one_thread" in CASES:
            rows += [
                one_thread("one thread, d=100", some, 100),
                one_thread("one thread, 20-word sentences, d=100", short, 100),
                one_thread("one thread, d=300", some, 300),
            ]
        if "cbow" in CASES:
            rows.append(cbow(some))
        whole = load(folder)
        if rows:
            with_quality(rows, whole)
            write("word2vec", rows)  # what there is, should the long peers be cut short
        if "job" in CASES:
            write("word2vec", rows + job_rows(whole, folder))


if __name__ == "__main__":
    main()
