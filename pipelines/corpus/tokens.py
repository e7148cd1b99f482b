"""Documents to a vocabulary and to sentences of token ids, of words or subwords."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.corpus.encoding import (
    DOCUMENTS_AT_ONCE,
    EncodedSentences,
    SentencePieces,
    cut_of,
)
from pipelines.corpus.phrasing.finding import find_phrases, renumbered
from pipelines.corpus.subwords.encoding import SubwordTexts, require_own_ids
from pipelines.corpus.subwords.tokenizer import SubwordTokenizer
from pipelines.corpus.subwords.training import train_tokenizer
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.tables import COUNTS, Cut, Lexicon, TokenCounts
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.vocabulary import (
    build_vocabulary,
    known_tokens,
    require_word_ids,
)
from pipelines.storage.task_files.columns import Columns
from schemas import SENTENCES, VOCABULARY


def tokenize(
    documents: DataFrame, settings: TokenizeSettings, *, tokenizer: str | None = None
) -> dict[str, DataFrame]:
    """Return the `sentences` that hold a known token, and the `vocabulary`, by these names.

    Counts, and sentences of subwords, stay persisted on disk until the Spark session ends.

    Args:
        documents: Frame of `doc_id, text`.
        settings: Of tokens, sentences and the vocabulary.
        tokenizer: Text of a `tokenizer.json`, for tokenizers of subwords; None trains one.
    """
    columns = Columns(documents.select("doc_id", "text"), ())
    given = None if tokenizer is None else SubwordTokenizer(tokenizer)
    found = tokenize_documents(columns, settings, tokenizer=given)
    numbered = frame_of(documents.sparkSession, found.vocabulary)
    return {SENTENCES.name: found.sentences.known(), VOCABULARY.name: numbered}


@dataclass(frozen=True)
class EncodedDocuments:
    """Documents as sentences of token ids.

    Args:
        sentences: Rows of `sentences`.
        vocabulary: Rows of `vocabulary`, with phrases if these are asked for.
        phrases: Rows of `phrases`, in the order of its columns.
    """

    sentences: SentencePieces
    vocabulary: pa.Table
    phrases: list[tuple[Any, ...]]


@dataclass(frozen=True)
class TokenizedDocuments(EncodedDocuments):
    """Encoded documents, and what was found on the way.

    Args:
        survey: Sums over the documents.
        tokenizer: The tokenizer of subwords, if any.
        persisted: Frames to unpersist when the sentences are written.
    """

    survey: "Survey"
    tokenizer: SubwordTokenizer | None
    persisted: tuple[DataFrame, ...]


def tokenize_documents(
    documents: Columns,
    settings: TokenizeSettings,
    *,
    stop_words: Sequence[str] = (),
    earlier: pa.Table | None = None,
    tokenizer: SubwordTokenizer | None = None,
) -> TokenizedDocuments:
    """Build the vocabulary of documents, and encode them when their sentences are written.

    Args:
        documents: `doc_id, text`.
        settings: Of tokens, sentences and the vocabulary.
        stop_words: Tokens that are left out, beside those of the settings.
        earlier: Vocabulary that stays or grows: what `vocabulary.read_earlier` returns.
        tokenizer: One of subwords; None trains one where the settings ask for it.

    Raises:
        InputError: The earlier vocabulary is of another tokenizer.
    """
    if settings.is_of_subwords:
        own = tokenizer or train_tokenizer(documents, settings)
        return _subwords(documents, settings, stop_words, earlier, own)
    if earlier is not None:
        require_word_ids(earlier)
    counts = count_tokens(documents, settings).persist(StorageLevel.DISK_ONLY)
    vocabulary = build_vocabulary(counts, settings, stop_words=stop_words, earlier=earlier)
    survey = survey_counts(counts, vocabulary, earlier)
    encoded = encode(documents, vocabulary, settings)
    return TokenizedDocuments(
        encoded.sentences, encoded.vocabulary, encoded.phrases, survey, None, (counts,)
    )


def _subwords(
    documents: Columns,
    settings: TokenizeSettings,
    stop_words: Sequence[str],
    earlier: pa.Table | None,
    tokenizer: SubwordTokenizer,
) -> TokenizedDocuments:
    if earlier is not None:
        require_own_ids(earlier, tokenizer)
    most = settings.max_vocabulary_size or len(tokenizer.tokens)
    settings = settings.model_copy(update={"max_vocabulary_size": most})
    texts = SubwordTexts.of(documents, tokenizer, settings)
    counts = texts.counts().persist(StorageLevel.DISK_ONLY)
    vocabulary = build_vocabulary(
        counts, settings, stop_words=stop_words, earlier=earlier, unknown=tokenizer.unknown
    )
    survey = survey_counts(counts, vocabulary, earlier)
    numbered = texts.numbered(vocabulary)
    persisted = (counts, texts.frame)
    return TokenizedDocuments(texts.sentences(numbered), numbered, [], survey, tokenizer, persisted)


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
    counts = texts.map_in_arrow(partial(_count, cut=cut), COUNTS, rows=DOCUMENTS_AT_ONCE)
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
    """Sums over documents: sentences with a token, tokens, and those of the vocabulary."""

    sentences: int
    tokens: int
    known: int


def survey_counts(counts: DataFrame, vocabulary: pa.Table, earlier: pa.Table | None) -> Survey:
    """Return the sums of what `count_tokens` found.

    Args:
        counts: The counts.
        vocabulary: The vocabulary that was built from them.
        earlier: The one that it began with, if any.
    """
    is_token = F.col("token").isNotNull()
    sums = (F.sum(F.when(kept, F.col("count"))) for kept in (~is_token, is_token))
    sentences, tokens = counts.agg(*sums).collect()[0]
    return Survey(sentences or 0, tokens or 0, known_tokens(counts, vocabulary, earlier))


def frame_of(spark: SparkSession, vocabulary: pa.Table) -> DataFrame:
    """Return the rows of a vocabulary, in one partition."""
    return spark.createDataFrame(vocabulary, VOCABULARY.schema()).coalesce(1)


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
