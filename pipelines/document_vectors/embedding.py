"""Documents as weighted means of word vectors; each task holds the vectors of all words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from pipelines.arrays.matrices import Floats, as_lists
from pipelines.arrays.ragged import Ragged, as_ragged
from pipelines.document_vectors.token_vectors import WeightedWords

_SCHEMA = "doc_id string, vector array<float>, token_count bigint, known_token_count bigint"


@dataclass(frozen=True)
class DocumentCounts:
    """Numbers of documents and tokens that were embedded.

    Args:
        documents: Documents.
        empty: Documents without any known token.
        tokens: Tokens.
        unknown_tokens: Tokens without a vector.
    """

    documents: int
    empty: int
    tokens: int
    unknown_tokens: int


def gather_documents(sentences: DataFrame, *, vectors_per: str) -> DataFrame:
    """Return `doc_id, token_ids`: one row per document with the tokens of all its sentences.

    With `vectors_per: sentence` each sentence is a document of its own.
    """
    if vectors_per == "sentence":
        return sentences.select(F.col("sentence_id").alias("doc_id"), "token_ids")
    tokens = F.flatten(F.collect_list("token_ids")).alias("token_ids")
    return sentences.groupBy("doc_id").agg(tokens)


def with_document_counts(vocabulary: DataFrame, documents: DataFrame) -> DataFrame:
    """Add `document_count` to `token_id, token, count`: the number of documents with the token."""
    held = documents.select(F.explode(F.array_distinct("token_ids")).alias("token_id"))
    counted = held.groupBy("token_id").agg(F.count(F.lit(1)).alias("document_count"))
    return vocabulary.join(counted, "token_id", "left").fillna(0, ["document_count"])


def embed(documents: DataFrame, words: WeightedWords) -> DataFrame:
    """Return the sum of each document's weighted word vectors over its number of known tokens.

    Tokens without a vector count neither in the sum nor in the number.

    Args:
        documents: Frame of `gather_documents`.
        words: Weighted word vectors, broadcast once per executor.

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
    # a copy: sum_duplicates works in place
    counts = csr_array((ones, lists.values, lists.offsets), shape=shape, copy=True)
    # each word once, in the order of rows: the sum does not depend on the order of sentences
    counts.sum_duplicates()
    means: Floats = (counts @ matrix) / np.maximum(lists.counts, 1)[:, None].astype(np.float32)
    return means


def count_documents(embedded: DataFrame) -> DocumentCounts:
    """Count documents and tokens in one pass over the frame of `embed`."""
    row = embedded.agg(
        F.count(F.lit(1)).alias("documents"),
        F.count_if(F.col("vector").isNull()).alias("empty"),
        F.coalesce(F.sum("token_count"), F.lit(0)).alias("tokens"),
        F.coalesce(F.sum(F.col("token_count") - F.col("known_token_count")), F.lit(0)).alias(
            "unknown_tokens"
        ),
    ).collect()[0]
    return DocumentCounts(**row.asDict())
