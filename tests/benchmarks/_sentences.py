"""Texts that are made for the benchmark of tokenizing, or those of the data."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _measuring import DATA

ARTICLES = DATA / "text" / "enwiki2015_articles.jsonl.zst"
_WORDS, _PER_TEXT = 300_000, 500
_SYLLABLES = [
    *("ka", "ro", "mi", "te", "lun", "sa", "vor", "di", "ne", "pal", "tu", "gre", "os", "win"),
    *("é", "ß", "th", "ing"),
]


def texts(megabytes: float) -> list[str]:
    """Return texts of so many megabytes: articles of the data where they are, else made ones."""
    found, size = [], 0.0
    for text in _articles() if ARTICLES.exists() else _made(3):
        found.append(text)
        size += len(text) / 1e6
        if size >= megabytes:
            break
    return found


def write_made(file: Path, megabytes: float) -> float:
    """Write made texts as a Parquet file of `doc_id, text`; return its megabytes of text."""
    schema = pa.schema({"doc_id": pa.string(), "text": pa.string()})
    size, number, made = 0.0, 0, _made(4)
    with pq.ParquetWriter(file, schema) as writer:
        while size < megabytes:
            rows = [next(made) for _ in range(4000)]
            names = [f"doc-{number + n}" for n in range(len(rows))]
            column = pa.array(rows, pa.string())
            writer.write_table(pa.table({"doc_id": names, "text": column}, schema=schema))
            size, number = size + column.nbytes / 1e6, number + len(rows)
    return size


def _articles() -> Iterator[str]:
    with pa.input_stream(str(ARTICLES), compression="zstd") as stream:
        for line in stream.read().splitlines():
            yield json.loads(line)["text"]


def _made(seed: int) -> Iterator[str]:
    """Yield texts without end: words by Zipf's law, sentences, numbers and paragraphs."""
    draw = np.random.default_rng(seed)
    parts = draw.integers(0, len(_SYLLABLES), (_WORDS, 4))
    lengths = draw.integers(1, 5, _WORDS)
    words = ["".join(_SYLLABLES[p] for p in row[:n]) for row, n in zip(parts, lengths, strict=True)]
    known = np.array([f"{word} " for word in words] + ["3.14 ", "1,000 "], object)
    weights = 1 / np.arange(2, _WORDS + 2)
    bounds = np.cumsum(np.append(weights, [0.1, 0.1]))
    while True:
        chosen = known[np.searchsorted(bounds, draw.random(_PER_TEXT) * bounds[-1])]
        for place in range(0, _PER_TEXT - 20, 20):
            end = ". " if place % 100 else ".\n\n"
            chosen[place + 19] = chosen[place + 19].strip() + end
            chosen[place] = chosen[place].capitalize()
        yield "".join(chosen)
