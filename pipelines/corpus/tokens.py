"""Documents to sentences of tokens, tokens to a vocabulary, sentences to token ids."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.arrays.offsets import offsets_of
from pipelines.corpus.config import TokenizeSettings
from schemas import SENTENCES, VOCABULARY

_SENTENCE_END = r"(?<=[.!?…。！？])\s+|\n\s*\n"  # noqa: RUF001  (full-width marks end sentences too)
_WORD_OR_NUMBER = r"_*\p{L}[\p{L}\p{M}\p{N}_]*(?:['’]\p{L}+)*|\p{N}+(?:[.,]\p{N}+)*"  # noqa: RUF001


def tokenize(documents: DataFrame, settings: TokenizeSettings) -> dict[str, DataFrame]:
    """Return the `sentences` that hold a known token, and the `vocabulary`, by these names.

    Args:
        documents: Frame of `doc_id, text`.
        settings: Of tokens, sentences and the vocabulary.
    """
    split = split_tokens(documents, settings)
    vocabulary = build_vocabulary(count_tokens(split), settings)
    known, _ = split_by_content(encode_sentences(split, vocabulary))
    return {SENTENCES.name: known, VOCABULARY.name: frame_of(split.sparkSession, vocabulary)}


def split_tokens(documents: DataFrame, settings: TokenizeSettings) -> DataFrame:
    """Cut documents into sentences of tokens.

    A token is a run of letters, marks, digits and underscores that holds a letter, apostrophes
    inside it included, or a number. Sentences end at stops before white space and at blank lines;
    one that is longer than `max_sentence_length` tokens is cut into several.

    Returns:
        One row per sentence with a token: `sentence_id, doc_id, tokens`.
    """
    number_token, longest = settings.number_token, settings.max_sentence_length
    text = F.lower("text") if settings.is_lowercase else F.col("text")
    sentences = documents.select("doc_id", F.posexplode(F.split(text, _SENTENCE_END)))
    tokens = F.regexp_extract_all("col", F.lit(f"({_WORD_OR_NUMBER})"), 1)
    if number_token is not None:
        tokens = F.transform(
            tokens, lambda t: F.when(t.rlike(r"^\p{N}"), number_token).otherwise(t)
        )
    starts = F.sequence(F.lit(0), F.size("tokens") - 1, F.lit(longest))
    found = sentences.select("doc_id", "pos", tokens.alias("tokens")).where(F.size("tokens") > 0)
    pieces = found.select("doc_id", "pos", "tokens", F.posexplode(starts).alias("piece", "start"))
    sentence_id = F.format_string("%s:%06d.%d", "doc_id", "pos", "piece")
    return pieces.select(
        sentence_id.alias("sentence_id"),
        "doc_id",
        F.slice("tokens", F.col("start") + 1, longest).alias("tokens"),
    )


def count_tokens(sentences: DataFrame) -> DataFrame:
    """Count each token's occurrences and the documents that hold it."""
    tokens = sentences.select("doc_id", F.explode("tokens").alias("token"))
    per_document = tokens.groupBy("token", "doc_id").count()
    return per_document.groupBy("token").agg(
        F.sum("count").alias("count"), F.count(F.lit(1)).alias("document_count")
    )


def build_vocabulary(counts: DataFrame, settings: TokenizeSettings) -> pa.Table:
    """Number the tokens that are frequent enough by count descending, then token.

    The one table that the driver holds: capped by `max_vocabulary_size`.
    """
    frequent = counts.where(F.col("count") >= settings.min_count)
    ordered = frequent.sort(F.desc("count"), F.asc("token")).limit(settings.max_vocabulary_size)
    found = ordered.select("token", "count", "document_count").toArrow()
    return found.add_column(0, "token_id", pa.array(range(found.num_rows), pa.int32()))


def frame_of(spark: SparkSession, vocabulary: pa.Table) -> DataFrame:
    """Return the rows of a vocabulary, in one partition."""
    return spark.createDataFrame(vocabulary, VOCABULARY.schema()).coalesce(1)


def encode_sentences(sentences: DataFrame, vocabulary: pa.Table) -> DataFrame:
    """Replace tokens by ids; tokens outside the vocabulary fall out, empty sentences remain.

    The vocabulary is broadcast.
    """
    tokens = vocabulary["token"].combine_chunks()
    known = sentences.sparkSession.sparkContext.broadcast(tokens)

    def encode(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            ids = encode_lists(batch.column("tokens"), known.value)
            yield pa.RecordBatch.from_arrays(
                [batch.column("sentence_id"), batch.column("doc_id"), ids],
                names=SENTENCES.column_names,
            )

    return sentences.mapInArrow(encode, SENTENCES.schema())


def encode_lists(lists: pa.ListArray, tokens: pa.Array) -> pa.ListArray:
    """Return each list's known tokens as their places in `tokens`, int32."""
    ids = pc.index_in(lists.flatten(), value_set=tokens)
    is_known = ids.is_valid().to_numpy(zero_copy_only=False)
    kept_before = offsets_of(is_known)
    offsets = lists.offsets.to_numpy() - lists.offsets[0].as_py()
    return pa.ListArray.from_arrays(
        pa.array(kept_before[offsets], pa.int32()), ids.drop_null().cast(pa.int32())
    )


def split_by_content(sentences: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Return the sentences that hold a known token, and those that hold none."""
    is_empty = F.size("token_ids") == 0
    return sentences.where(~is_empty), sentences.where(is_empty)


def measure_tokens(vocabulary: pa.Table) -> dict[str, int]:
    """Return the number of occurrences that the vocabulary covers."""
    return {"tokens of the vocabulary": int(pc.sum(vocabulary["count"]).as_py() or 0)}
