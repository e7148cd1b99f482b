"""Word2Vec on one thread beside gensim: words per second of one epoch, quality after three.

Text8-style English Wikipedia, window 5, negative 5, sample 1e-3, min_count 5, rate .025 to .0001.
`WORDS` of the environment takes only so many words of the text.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import collections
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from _measuring import DATA, ROOT, paired, peer, write
from gensim.models import KeyedVectors, Word2Vec

sys.path.insert(0, str(ROOT))
from pipelines.word2vec import kernel
from pipelines.word2vec.sampling import chunk_size, keep_probabilities, noise_table

TEXT = DATA / "text" / "text8_style_enwiki2015.txt.zst"
WINDOW, NEGATIVE, RATE, LAST_RATE = 5, 5, 0.025, 1e-4
NONE = np.empty(0, np.float32)


@dataclass
class Corpus:
    """The text as token ids for us and as a file of lines for gensim."""

    tokens: np.ndarray
    offsets: np.ndarray
    words: list[str]
    counts: np.ndarray
    raw: int
    file: Path


def load(line: int, folder: Path) -> Corpus:
    """Read the text as lines of so many words."""
    raw = pa.input_stream(str(TEXT), compression="zstd").read().decode().split()
    raw = raw[: int(os.environ.get("WORDS", len(raw)))]
    kept = [(w, n) for w, n in collections.Counter(raw).items() if n >= 5]
    kept.sort(key=lambda pair: (-pair[1], pair[0]))
    ids = {word: n for n, (word, _) in enumerate(kept)}
    found = np.fromiter((ids.get(word, -1) for word in raw), np.int32, len(raw))
    known = np.r_[0, np.cumsum(found >= 0)]
    edges = known[np.minimum(np.arange(0, len(raw) + line, line), len(raw))]
    file = folder / f"lines{line}.txt"
    lines = (" ".join(raw[n : n + line]) for n in range(0, len(raw), line))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    counts = np.array([n for _, n in kept])
    return Corpus(found[found >= 0], edges.astype(np.int64), list(ids), counts, len(raw), file)


def shuffled(corpus: Corpus, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sentences in another order, as shards in a fresh order have it."""
    order = np.random.default_rng(seed).permutation(corpus.offsets.size - 1)
    parts = [corpus.tokens[corpus.offsets[n] : corpus.offsets[n + 1]] for n in order]
    return np.concatenate(parts), np.r_[0, np.cumsum(np.diff(corpus.offsets)[order])]


def ours(corpus: Corpus, dimension: int, epochs: int, seed: int) -> tuple[float, np.ndarray]:
    """Train by the kernel; return words per second and the vectors."""
    rng = np.random.default_rng(seed)
    inputs = ((rng.random((len(corpus.words), dimension)) - 0.5) / dimension).astype(np.float32)
    outputs = np.zeros_like(inputs)
    keep, noise = keep_probabilities(corpus.counts, 1e-3), noise_table(corpus.counts, 0.75)
    pairs = (WINDOW + 1) * NEGATIVE
    chunk = chunk_size(corpus.counts, 0.75, pairs=pairs, step_size=RATE)
    rates = np.linspace(RATE, LAST_RATE, epochs + 1)
    seconds = 0.0
    for epoch in range(epochs):
        tokens, offsets = shuffled(corpus, seed * 100 + epoch)
        started = time.perf_counter()
        kernel.train_sentences(
            tokens, offsets, keep, noise, inputs, outputs, rates[epoch], rates[epoch + 1], False,
            WINDOW, NEGATIVE, chunk, kernel.SHARED, seed * 100 + epoch, NONE, NONE,
        )  # fmt: skip
        seconds += time.perf_counter() - started
    return corpus.raw * epochs / seconds, inputs


def gensims(corpus: Corpus, dimension: int, epochs: int, seed: int) -> tuple[float, KeyedVectors]:
    """Train by gensim from the file; return words per second and the vectors."""
    model = Word2Vec(
        vector_size=dimension, window=WINDOW, negative=NEGATIVE, sample=1e-3, min_count=5, sg=1,
        workers=1, alpha=RATE, min_alpha=LAST_RATE, seed=seed, epochs=epochs,
    )  # fmt: skip
    model.build_vocab(corpus_file=str(corpus.file))
    started = time.perf_counter()
    model.train(corpus_file=str(corpus.file), total_words=corpus.raw, epochs=epochs)
    return corpus.raw * epochs / (time.perf_counter() - started), model.wv


def quality(vectors: KeyedVectors) -> dict[str, float]:
    """Return WordSim-353's Spearman and the analogies' accuracy over the 30,000 most frequent."""
    folder = DATA / "similarity"
    _, spearman, _ = vectors.evaluate_word_pairs(str(folder / "EN-WS-353-ALL.txt"))
    accuracy, _ = vectors.evaluate_word_analogies(
        str(folder / "questions-words.txt"), restrict_vocab=30_000, case_insensitive=True
    )
    return {"wordsim": round(float(spearman[0]), 3), "analogy": round(float(accuracy), 3)}


def keyed(corpus: Corpus, matrix: np.ndarray) -> KeyedVectors:
    """Return our vectors as gensim's, so that both are judged by the same code."""
    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(corpus.words, matrix)
    return vectors


def case(name: str, corpus: Corpus, dimension: int, *, seeds: int = 0) -> dict[str, Any]:
    """Measure one case against gensim; with seeds, quality after three epochs too."""
    ours(corpus, dimension, 1, 1)  # compiled and warm
    speed, its = paired(
        lambda: ours(corpus, dimension, 1, 1)[0], lambda: gensims(corpus, dimension, 1, 1)[0]
    )
    found: dict[str, Any] = {}
    if seeds:
        found["ours"] = [quality(keyed(corpus, ours(corpus, dimension, 3, s)[1]))
                         for s in range(1, seeds + 1)]  # fmt: skip
        found["peer"] = [quality(gensims(corpus, dimension, 3, s)[1]) for s in range(1, seeds + 1)]
    return {
        "case": name, "metric": "words_per_second", "unit": "words/s", "ours": speed,
        "peer": peer("gensim"), "peer_value": its, "quality": found, "rows": corpus.raw,
        "threads": 1, "runs": 3,
    }  # fmt: skip


def main() -> None:
    """Run the cases and write them."""
    with tempfile.TemporaryDirectory() as name:
        long, short = load(1000, Path(name)), load(20, Path(name))
        rows = [
            case("one thread, d=100", long, 100, seeds=int(os.environ.get("SEEDS", "1"))),
            case("one thread, 20-word sentences, d=100", short, 100),
            case("one thread, d=300", long, 300),
        ]
    write("word2vec", rows)


if __name__ == "__main__":
    main()
