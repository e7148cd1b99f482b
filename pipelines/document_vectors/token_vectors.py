"""Word vectors times their weights, collected once for all tasks."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, Indices, as_matrix
from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.ragged import Ragged
from pipelines.document_vectors.config import DocumentsSettings
from pipelines.errors import ConfigError, InputError

_MEGABYTE = 1 << 20  # bytes


class InputNames(NamedTuple):
    """Names of the inputs in messages."""

    vocabulary: str = "the vocabulary"
    vectors: str = "the vectors"


@dataclass(frozen=True)
class WeightedWords:
    """Word vectors times their weights.

    Args:
        row_of_id: Row of the matrix by token id, -1 where the token has no vector.
        matrix: A weighted vector per row, float32, `(m, d)`.
    """

    row_of_id: Indices
    matrix: Floats

    def locate(self, documents: Ragged) -> Ragged:
        """Return lists of token ids as lists of rows of the matrix, without unknown tokens."""
        ids = documents.values
        is_inside = (ids >= 0) & (ids < len(self.row_of_id))
        rows = np.where(is_inside, self.row_of_id[np.where(is_inside, ids, 0)], -1)
        is_known = rows >= 0
        known_before = offsets_of(is_known)
        return Ragged(known_before[documents.offsets], rows[is_known])


def collect_words(
    vectors: DataFrame,
    vocabulary: DataFrame,
    settings: DocumentsSettings,
    *,
    space_id: str,
    document_count: int,
    names: InputNames,
) -> WeightedWords:
    """Collect the weighted vectors of the vocabulary's tokens on the driver.

    Each task needs all words. One copy per executor costs less than a shuffle of a vector per
    token. The size is checked before the vectors are collected.

    Args:
        vectors: Vectors of one space.
        vocabulary: Tokens that the sentences were encoded with.
        settings: Settings.
        space_id: The space, for messages.
        document_count: Documents embedded, for `idf`.
        names: Names of the inputs in messages.

    Raises:
        InputError: No token has a vector, one has two, or vectors differ in length or are not
            finite.
        ConfigError: The matrix is larger than `max_matrix_megabytes`.
    """
    words = vectors.where(F.col("entity") == settings.entity).select(
        F.col("key").alias("token"), "vector"
    )
    joined = vocabulary.join(words, "token", "left")
    totals = _totals(joined)
    _require_words(totals, settings, space_id, names)
    known = joined.where(F.col("vector").isNotNull())
    table = known.select("token_id", "count", "document_count", "vector").toArrow()
    table = table.sort_by("token_id")
    ids = table["token_id"].to_numpy()
    matrix = as_matrix(table["vector"], dimension=totals["width"])
    _require_sound(ids, matrix, space_id)
    weights = word_weights(
        table["count"].to_numpy() / totals["tokens"],
        table["document_count"].to_numpy(),
        settings,
        # where a part of the corpus is embedded, N is at least the largest document count
        document_count=max(document_count, totals["documents"]),
    )
    row_of_id = np.full(totals["last_id"] + 1, -1, dtype=np.int64)
    row_of_id[ids] = np.arange(len(matrix))
    return WeightedWords(row_of_id, matrix * weights[:, None].astype(np.float32))


def _totals(joined: DataFrame) -> Row:
    """Return the counts of a vocabulary whose tokens have a vector or null."""
    return joined.agg(
        F.count("vector").alias("words"),
        F.max(F.size("vector")).alias("width"),
        F.max("token_id").alias("last_id"),
        F.sum("count").alias("tokens"),
        F.max("document_count").alias("documents"),
    ).collect()[0]


def _require_words(
    totals: Row, settings: DocumentsSettings, space_id: str, names: InputNames
) -> None:
    if not totals["words"]:
        raise InputError(
            f"no token of {names.vocabulary} has a vector of entity "
            f"{settings.entity!r} in space {space_id} of {names.vectors}; "
            "name the vocabulary that the space was trained with"
        )
    megabytes = totals["words"] * totals["width"] * 4 / _MEGABYTE
    if megabytes > settings.max_matrix_megabytes:
        raise ConfigError(
            f"{totals['words']:,} word vectors need {megabytes:,.1f} MiB in each executor, more "
            f"than max_matrix_megabytes: {settings.max_matrix_megabytes}; raise it, or lower "
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
    settings: DocumentsSettings,
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
        settings: `weighting` and `sif_a`.
        document_count: All documents N.
    """
    if settings.weighting == "sif":
        return settings.sif_a / (settings.sif_a + shares)
    if settings.weighting == "idf":
        return np.log((1 + document_count) / (1 + document_counts)) + 1
    return np.ones(len(shares))
