"""Documents to a vocabulary and to sentences of token ids, by the compiled tokenizer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.corpus.config import TokenizeSettings
from pipelines.corpus.encoding import DOCUMENTS_AT_ONCE, EncodedSentences, cut_of
from pipelines.corpus.phrasing.finding import find_phrases, renumbered
from pipelines.corpus.tokenizing.tables import Cut, Lexicon, TokenCounts
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.vocabulary import build_vocabulary
from pipelines.storage.task_files.columns import Columns
from schemas import SENTENCES, VOCABULARY

_COUNTS = "token string, count bigint, document_count bigint"


def tokenize(documents: DataFrame, settings: TokenizeSettings) -> dict[str, DataFrame]:
    """Return the `sentences` that hold a known token, and the `vocabulary`, by these names.

    Args:
        documents: Frame of `doc_id, text`.
        settings: Of tokens, sentences and the vocabulary.
    """
    columns = Columns(documents.select("doc_id", "text"), ())
    vocabulary = build_vocabulary(count_tokens(columns, settings), settings)
    encoded = encode(columns, vocabulary, settings)
    numbered = frame_of(documents.sparkSession, encoded.vocabulary)
    return {SENTENCES.name: encoded.sentences.known(), VOCABULARY.name: numbered}


def count_tokens(documents: Columns, settings: TokenizeSettings) -> DataFrame:
    """Count each token's occurrences and the documents that hold it, and the sentences.

    A token is a run of letters, marks, digits and underscores that holds a letter, apostrophes
    inside it included, or a number, or a letter of a script without blanks; or what the setting
    `tokenizer` says. Sentences end at stops before white space, at stops of other scripts and at
    blank lines; one that is longer than `max_sentence_length` tokens is cut into several. Each task
    counts in its own table and sends a row per distinct token.

    Args:
        documents: `text`, one row per document.
        settings: Of tokens and sentences.

    Returns:
        One row per token: `token, count, document_count`; and one whose token is null, with the
        number of sentences with a token as `count`.
    """
    cut = cut_of(settings)
    texts = documents.select("text")
    counts = texts.map_in_arrow(partial(_count, cut=cut), _COUNTS, rows=DOCUMENTS_AT_ONCE)
    return counts.groupBy("token").agg(
        F.sum("count").alias("count"), F.sum("document_count").alias("document_count")
    )


def _count(batches: Iterable[pa.RecordBatch], cut: Cut) -> Iterator[pa.RecordBatch]:
    counts = TokenCounts(cut)
    for batch in batches:
        yield from counts.add(Texts.of(batch.column("text")))
    yield from counts.flush()


@dataclass(frozen=True)
class Survey:
    """What all counts tell: sentences with a token, and occurrences of all tokens."""

    sentences: int
    tokens: int


def survey_counts(counts: DataFrame) -> Survey:
    """Return the sums of what `count_tokens` found."""
    is_token = F.col("token").isNotNull()
    sums = (F.sum(F.when(kept, F.col("count"))) for kept in (~is_token, is_token))
    sentences, tokens = counts.agg(*sums).collect()[0]
    return Survey(sentences or 0, tokens or 0)


def frame_of(spark: SparkSession, vocabulary: pa.Table) -> DataFrame:
    """Return the rows of a vocabulary, in one partition."""
    return spark.createDataFrame(vocabulary, VOCABULARY.schema()).coalesce(1)


@dataclass(frozen=True)
class EncodedDocuments:
    """Documents as sentences of token ids.

    Args:
        sentences: Rows of `sentences`.
        vocabulary: Rows of `vocabulary`, with phrases if these are asked for.
        phrases: Rows of `phrases`, in the order of its columns.
    """

    sentences: EncodedSentences
    vocabulary: pa.Table
    phrases: list[tuple[Any, ...]]


def encode(
    documents: Columns, vocabulary: pa.Table, settings: TokenizeSettings
) -> EncodedDocuments:
    """Return documents as sentences of token ids; find phrases first where these are asked for.

    Args:
        documents: `doc_id, text`.
        vocabulary: What `build_vocabulary` returns.
        settings: Of tokens, sentences and phrases.
    """
    if settings.phrases is not None and vocabulary.num_rows:
        phrased = find_phrases(documents, vocabulary, settings)
        vocabulary, merging = renumbered(documents, phrased, settings)
        return EncodedDocuments(EncodedSentences(documents, merging), vocabulary, phrased.found)
    lexicon = Lexicon(vocabulary["token"].combine_chunks(), cut_of(settings))
    return EncodedDocuments(EncodedSentences(documents, lexicon), vocabulary, [])
