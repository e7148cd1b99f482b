"""Documents as weighted means of word vectors: token ids stream past a matrix each task has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from pipelines.arrays.matrices import Floats, Indices, as_lists, as_matrix
from pipelines.arrays.ragged import Ragged, as_ragged
from pipelines.documents.config import EmbedDocumentsConfig
from pipelines.errors import ConfigError, InputError

_MEGABYTE = 1 << 20
_SCHEMA = "doc_id string, vector array<float>, token_count bigint, known_token_count bigint"


@dataclass(frozen=True)
class WeightedWords:
    """Word vectors times their weights: `matrix (m, d)`, and by token id its row, -1 where none."""

    rows: Indices
    matrix: Floats

    def locate(self, documents: Ragged) -> Ragged:
        """Return lists of token ids as lists of rows of the matrix; those without one fall out."""
        ids = documents.values
        is_inside = (ids >= 0) & (ids < len(self.rows))
        rows = np.where(is_inside, self.rows[np.where(is_inside, ids, 0)], -1)
        is_known = rows >= 0
        kept_before = np.concatenate([[0], np.cumsum(is_known)])
        return Ragged(kept_before[documents.offsets], rows[is_known])


@dataclass(frozen=True)
class DocumentCounts:
    """What was embedded: documents, those without any known token, tokens, those without vector."""

    documents: int
    empty: int
    tokens: int
    unknown_tokens: int


def collect_words(
    vectors: DataFrame,
    vocabulary: DataFrame,
    config: EmbedDocumentsConfig,
    *,
    space_id: str,
    document_count: int,
) -> WeightedWords:
    """Collect the weighted vectors of the vocabulary's tokens.

    This is the one table that passes through the driver: each task needs every word, and one copy
    per executor costs less than a shuffle of a vector per token; the size is checked before.

    Args:
        vectors: Vectors of one space.
        vocabulary: Tokens that the sentences were encoded with.
        config: Settings.
        space_id: The space, for messages.
        document_count: Documents embedded, for `idf`.

    Raises:
        InputError: No token has a vector, one has two, or vectors are of odd lengths or not finite.
        ConfigError: The matrix is larger than `max_matrix_megabytes`.
    """
    words = vectors.where(F.col("entity") == config.entity).select(
        F.col("key").alias("token"), "vector"
    )
    joined = vocabulary.join(words, "token", "left")
    totals = joined.agg(
        F.count("vector").alias("words"),
        F.max(F.size("vector")).alias("width"),
        F.max("token_id").alias("last_id"),
        F.sum("count").alias("tokens"),
        F.max("document_count").alias("documents"),
    ).collect()[0]
    _require_words(totals, config, space_id)
    found = joined.where(F.col("vector").isNotNull())
    table = found.select("token_id", "count", "document_count", "vector").toArrow()
    table = table.sort_by("token_id")
    ids = table["token_id"].to_numpy()
    matrix = as_matrix(table["vector"], dimension=totals["width"])
    _require_sound(ids, matrix, space_id)
    weights = word_weights(
        table["count"].to_numpy() / totals["tokens"],
        table["document_count"].to_numpy(),
        config,
        # of a part of the corpus N would be too small: it is what the commonest token has at least
        document_count=max(document_count, totals["documents"]),
    )
    rows = np.full(totals["last_id"] + 1, -1, dtype=np.int64)
    rows[ids] = np.arange(len(matrix))
    return WeightedWords(rows, matrix * weights[:, None].astype(np.float32))


def _require_words(totals: Row, config: EmbedDocumentsConfig, space_id: str) -> None:
    if not totals["words"]:
        raise InputError(
            f"no token of inputs.vocabulary ({config.inputs.vocabulary}) has a vector of entity "
            f"{config.entity!r} in space {space_id} of inputs.vectors ({config.inputs.vectors}); "
            "name the vocabulary that the space was trained with"
        )
    megabytes = totals["words"] * totals["width"] * 4 / _MEGABYTE
    if megabytes > config.max_matrix_megabytes:
        raise ConfigError(
            f"{totals['words']:,} word vectors need {megabytes:,.1f} MiB in each executor, more "
            f"than max_matrix_megabytes: {config.max_matrix_megabytes}; raise it, or lower "
            "max_vocabulary_size of tokenize_corpus"
        )


def _require_sound(ids: Indices, matrix: Floats, space_id: str) -> None:
    if not np.isfinite(matrix).all():
        raise InputError(f"space {space_id} has vectors that are not finite; train it again")
    if (np.diff(ids) == 0).any():
        raise InputError(f"a token stands twice in the vocabulary or in space {space_id}")


def word_weights(
    shares: NDArray[np.float64],
    document_counts: NDArray[np.int64],
    config: EmbedDocumentsConfig,
    *,
    document_count: int,
) -> NDArray[np.float64]:
    """Return the weight of each word, all positive, shape `(m,)`.

    `mean` is 1. `sif` (smooth inverse frequency) is a / (a + p), of Arora, Liang and Ma, "A Simple
    but Tough-to-Beat Baseline for Sentence Embeddings", 2017. `idf` is log((1 + N) / (1 + n)) + 1,
    smoothed as scikit-learn's `smooth_idf` is.

    Args:
        shares: The share p that each word has of all tokens.
        document_counts: The documents n that hold each word.
        config: Settings `weighting` and `sif_a`.
        document_count: All documents N.
    """
    if config.weighting == "sif":
        return config.sif_a / (config.sif_a + shares)
    if config.weighting == "idf":
        return np.log((1 + document_count) / (1 + document_counts)) + 1
    return np.ones(len(shares))


def gather_documents(sentences: DataFrame, *, vectors_per: str) -> DataFrame:
    """Return `doc_id, token_ids`: one row per document with the tokens of all its sentences.

    With `vectors_per: sentence` each sentence is a document of its own.
    """
    if vectors_per == "sentence":
        return sentences.select(F.col("sentence_id").alias("doc_id"), "token_ids")
    tokens = F.flatten(F.collect_list("token_ids")).alias("token_ids")
    return sentences.groupBy("doc_id").agg(tokens)


def with_document_counts(vocabulary: DataFrame, documents: DataFrame) -> DataFrame:
    """Add `document_count` to `token_id, token, count`: the documents that hold the token."""
    held = documents.select(F.explode(F.array_distinct("token_ids")).alias("token_id"))
    counted = held.groupBy("token_id").agg(F.count(F.lit(1)).alias("document_count"))
    return vocabulary.join(counted, "token_id", "left").fillna(0, ["document_count"])


def embed(documents: DataFrame, words: WeightedWords) -> DataFrame:
    """Return the sum of each document's weighted word vectors over its number of known tokens.

    Tokens without a vector count neither in the sum nor in the number.

    Args:
        documents: Frame of `gather_documents`.
        words: Broadcast here: one copy per executor.

    Returns:
        `doc_id, vector, token_count, known_token_count`; the vector is null without known tokens.
    """
    shared = documents.sparkSession.sparkContext.broadcast(words)

    def embed_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _embed_batch(batch, shared.value)

    return documents.mapInArrow(embed_batches, _SCHEMA)


def _embed_batch(batch: pa.RecordBatch, words: WeightedWords) -> pa.RecordBatch:
    documents = as_ragged(batch.column("token_ids"))
    known = words.locate(documents)
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"),
            as_lists(mean_rows(known, words.matrix), is_null=known.counts == 0),
            pa.array(documents.counts, pa.int64()),
            pa.array(known.counts, pa.int64()),
        ],
        ["doc_id", "vector", "token_count", "known_token_count"],
    )


def mean_rows(lists: Ragged, matrix: Floats) -> Floats:
    """Return the mean of the rows that each list names, zeros of an empty one, shape `(n, d)`."""
    ones, shape = np.ones(len(lists.values), dtype=np.float32), (len(lists.counts), len(matrix))
    # a copy, because what follows is done in place
    counts = csr_array((ones, lists.values, lists.offsets), shape=shape, copy=True)
    # a word once, in the matrix's order: no vector per token, and sentences may come in any order
    counts.sum_duplicates()
    means: Floats = (counts @ matrix) / np.maximum(lists.counts, 1)[:, None].astype(np.float32)
    return means


def count_documents(embedded: DataFrame) -> DocumentCounts:
    """Count what was embedded: four numbers."""
    row = embedded.agg(
        F.count(F.lit(1)).alias("documents"),
        F.count_if(F.col("vector").isNull()).alias("empty"),
        F.coalesce(F.sum("token_count"), F.lit(0)).alias("tokens"),
        F.coalesce(F.sum(F.col("token_count") - F.col("known_token_count")), F.lit(0)).alias(
            "unknown_tokens"
        ),
    ).collect()[0]
    return DocumentCounts(**row.asDict())
