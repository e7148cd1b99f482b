"""Text8-style English Wikipedia for benchmarks, as ids, file and tables; how good vectors are.

`WORDS` of the environment takes only so many words of the text.
"""

import collections
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _measuring import DATA, ROOT
from gensim.models import KeyedVectors, Word2Vec

sys.path.insert(0, str(ROOT))
from pipelines import tables
from schemas import SENTENCES, VOCABULARY

TEXT = DATA / "text" / "text8_style_enwiki2015.txt.zst"
WINDOW, NEGATIVE, RATE, LAST_RATE, SAMPLE = 5, 5, 0.025, 1e-4, 1e-3


@dataclass
class Corpus:
    """The text as token ids for us and as a file of lines for gensim."""

    tokens: np.ndarray
    offsets: np.ndarray
    words: list[str]
    counts: np.ndarray
    raw: int
    file: Path


def load(folder: Path, *, line: int = 1000, words: int | None = None) -> Corpus:
    """Read the text, or its first words, as lines of so many words."""
    raw = pa.input_stream(str(TEXT), compression="zstd").read().decode().split()
    raw = raw[: min(words or len(raw), int(os.environ.get("WORDS", len(raw))))]
    kept = [(w, n) for w, n in collections.Counter(raw).items() if n >= 5]
    kept.sort(key=lambda pair: (-pair[1], pair[0]))
    ids = {word: n for n, (word, _) in enumerate(kept)}
    found = np.fromiter((ids.get(word, -1) for word in raw), np.int32, len(raw))
    known = np.r_[0, np.cumsum(found >= 0)]
    edges = known[np.minimum(np.arange(0, len(raw) + line, line), len(raw))]
    file = folder / f"lines-{line}-{len(raw)}.txt"
    lines = (" ".join(raw[n : n + line]) for n in range(0, len(raw), line))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    counts = np.array([n for _, n in kept])
    return Corpus(found[found >= 0], edges.astype(np.int64), list(ids), counts, len(raw), file)


def write_tables(spark: Any, corpus: Corpus, folder: Path) -> None:
    """Write the corpus as the tables `sentences` and `vocabulary` (Delta)."""
    count = corpus.offsets.size - 1
    lists = pa.ListArray.from_arrays(
        pa.array(corpus.offsets.astype(np.int32)), pa.array(corpus.tokens)
    )
    content = {
        SENTENCES: pa.table(
            {
                "sentence_id": [str(n) for n in range(count)],
                "doc_id": ["text"] * count,
                "token_ids": lists,
            }
        ),
        VOCABULARY: pa.table(
            {
                "token_id": pa.array(range(len(corpus.words)), pa.int32()),
                "token": corpus.words,
                "count": pa.array(corpus.counts, pa.int64()),
                "document_count": pa.array(corpus.counts, pa.int64()),
            }
        ),
    }
    for table, rows in content.items():
        plain = str(folder / f"{table.name}.parquet")
        pq.write_table(rows, plain, row_group_size=max(1, rows.num_rows // 8))
        frame = spark.read.parquet(plain).select([c.name for c in table.columns])
        tables.write(
            frame,
            table,
            str(folder / table.name),
            format="delta",
            part={},
            metadata={"fingerprint": table.name},
        )


def gensims(
    corpus: Corpus, dimension: int, epochs: int, seed: int, *, workers: int = 1
) -> tuple[float, KeyedVectors]:
    """Train by gensim from the file; return words per second and the vectors."""
    model = Word2Vec(
        vector_size=dimension,
        window=WINDOW,
        negative=NEGATIVE,
        sample=SAMPLE,
        min_count=5,
        sg=1,
        workers=workers,
        alpha=RATE,
        min_alpha=LAST_RATE,
        seed=seed,
        epochs=epochs,
    )
    model.build_vocab(corpus_file=str(corpus.file))
    started = time.perf_counter()
    model.train(corpus_file=str(corpus.file), total_words=corpus.raw, epochs=epochs)
    return corpus.raw * epochs / (time.perf_counter() - started), model.wv


def keyed(words: list[str], matrix: np.ndarray) -> KeyedVectors:
    """Return vectors, by frequency, as gensim's, so that all are judged by the same code."""
    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(words, matrix)
    return vectors


def quality(vectors: KeyedVectors) -> dict[str, float]:
    """Return WordSim-353's Spearman and the analogies' accuracy over the 30,000 most frequent."""
    folder = DATA / "similarity"
    _, spearman, _ = vectors.evaluate_word_pairs(str(folder / "EN-WS-353-ALL.txt"))
    accuracy, _ = vectors.evaluate_word_analogies(
        str(folder / "questions-words.txt"), restrict_vocab=30_000, case_insensitive=True
    )
    return {"wordsim": round(float(spearman[0]), 4), "analogy": round(float(accuracy), 4)}


def mean_ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> float:
    """Return the mean of the two scores' ratios, each of means over seeds."""
    ratios = [
        np.mean([q[score] for q in ours]) / np.mean([q[score] for q in theirs])
        for score in ("wordsim", "analogy")
    ]
    return round(float(np.mean(ratios)), 4)
