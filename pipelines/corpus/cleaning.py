"""Raw records to documents: parse, normalise, measure signals, judge them, find duplicates."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.corpus.config import Bounds, CleaningSettings, Rules
from pipelines.results import reason, with_reasons
from pipelines.sources.frames import frame_records
from pipelines.sources.request import Field, own_fields
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS

_WORD = r"[\p{L}\p{N}]+(?:['\u2019-][\p{L}\p{N}]+)*"


def document_fields(settings: CleaningSettings) -> list[Field]:
    """Return the columns of raw records that a document is made of."""
    text = Field("text", settings.text_column, setting="text_column", is_required=True)
    own = own_fields(settings, [*DOCUMENTS.column_names, "id"])
    if settings.id_column is None:
        return [text, *own]
    key = Field("id", settings.id_column, "key", setting="id_column", is_required=True)
    return [text, key, *own]


def clean_documents(frame: DataFrame, settings: CleaningSettings) -> dict[str, DataFrame]:
    """Clean the rows of a frame: normalise and measure texts, judge them and find duplicates.

    Args:
        frame: Rows with the columns that `settings.text_column` and `settings.id_column` name.
        settings: These two and `rules` are used.

    Returns:
        Rows of `documents`, `rejected_documents` and `duplicate_documents` by these names; each row
        is in exactly one, and its position is its place in the frame as it is partitioned now.

    Raises:
        InputError: The frame lacks a column.
    """
    records = frame_records(frame, document_fields(settings))
    return split_documents(judge_documents(records, settings))


def judge_documents(records: DataFrame, settings: CleaningSettings) -> DataFrame:
    """Return one row per record with its signals, its `reasons` and its `kept_doc_id`.

    Args:
        records: Records of the columns that `document_fields` names.
        settings: The rules.
    """
    measured = measure_signals(normalise_text(parse_documents(records)))
    return mark_duplicates(judge(measured, settings.rules))


def parse_documents(records: DataFrame) -> DataFrame:
    """Give records the ids and the problems of documents; a record is never dropped.

    Args:
        records: Frame of `source, position, text, record, problem`, and `id` where the input has
            ids. A blank id is none: such a document has its id from file and position.

    Returns:
        One row per record: `doc_id, source, position, text, problem`, and the user's own columns.
    """
    known = {"source", "position", "text", "id", "record", "problem", "notes"}
    own = [name for name in records.columns if name not in known]
    place = F.md5(F.concat_ws("\u0001", "source", F.col("position").cast("string")))
    has_ids = "id" in records.columns
    key = F.when(F.col("id").rlike(r"\S"), F.col("id")) if has_ids else F.lit(None).cast("string")
    lacks_text = F.when(F.col("text").isNull(), F.lit("has_text"))
    return records.select(
        F.coalesce(key, place).alias("doc_id"),
        "source",
        "position",
        F.coalesce("text", "record", F.lit("")).alias("text"),
        F.coalesce("problem", lacks_text).alias("problem"),
        *own,
    )


def normalise_text(documents: DataFrame) -> DataFrame:
    """Put text into NFC, line ends into LF, and drop control characters and trailing blanks."""

    def normalise(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            at = batch.schema.get_field_index("text")
            text = pc.utf8_normalize(batch.column(at).cast(pa.string()), form="NFC")
            text = pc.replace_substring_regex(text, r"\r\n?", "\n")
            text = pc.replace_substring_regex(text, r"[\x00-\x08\x0b-\x1f\x7f]", " ")
            text = pc.replace_substring_regex(text, r"[ \t]+\n", "\n")
            yield batch.set_column(at, "text", pc.utf8_trim_whitespace(text))

    return documents.mapInArrow(normalise, documents.schema)


def measure_signals(documents: DataFrame) -> DataFrame:
    """Add every quality signal as a column; an empty text has zeros.

    Words are runs of letters and digits joined by apostrophes or hyphens.
    """
    text = F.coalesce("text", F.lit(""))
    lines = F.filter(F.split(text, "\n"), lambda line: F.trim(line) != "")
    words, count = F.col("_words"), F.size("_words")
    letters = F.aggregate(words, F.lit(0), lambda total, word: total + F.length(word))
    with_letter = F.size(F.filter(words, lambda word: word.rlike(r"\p{L}")))
    symbols = F.regexp_count(text, F.lit(r"#|\.\.\.|…"))
    repeated = F.size("_lines") - F.size(F.array_distinct("_lines"))
    return (
        documents.withColumn("_words", F.regexp_extract_all(text, F.lit(_WORD), 0))
        .withColumn("_lines", lines)
        .withColumns(
            {
                "character_count": F.length(text),
                "word_count": count,
                "mean_word_length": _ratio(letters, count),
                "alphabetic_word_share": _ratio(with_letter, count),
                "symbol_word_ratio": _ratio(symbols, F.greatest(count, F.lit(1))),
                "duplicate_line_share": _ratio(repeated, F.size("_lines")),
            }
        )
        .drop("_words", "_lines")
    )


def _ratio(part: Column, whole: Column) -> Column:
    return F.when(whole > 0, part / whole).otherwise(F.lit(0.0)).cast("double")


def judge(documents: DataFrame, rules: Rules) -> DataFrame:
    """Add `reasons`: every rule a document breaks, with the value measured and the threshold.

    A record that already had a problem (not UTF-8, not JSON, no text) has that one as reason; one
    whose signals are out of bounds has all of them.
    """
    nothing, problem = F.lit(None), F.col("problem")
    reasons = [reason(problem, nothing, nothing, problem.isNotNull())]
    for signal in type(rules).model_fields:
        reasons += _broken_bounds(signal, getattr(rules, signal))
    return with_reasons(documents, *reasons)


def _broken_bounds(signal: str, bounds: Bounds) -> Iterator[Column]:
    is_sound = F.col("problem").isNull()
    value = F.col(signal)
    if bounds.min is not None:
        yield reason(signal, value, F.lit(f">= {bounds.min:g}"), is_sound & (value < bounds.min))
    if bounds.max is not None:
        yield reason(signal, value, F.lit(f"<= {bounds.max:g}"), is_sound & (value > bounds.max))


def mark_duplicates(documents: DataFrame) -> DataFrame:
    """Add `kept_doc_id` to sound documents whose text, up to white space and case, came before.

    The first by (source, position) is kept. An id that the input gives twice is a reason of
    rejection for its later bearers, whose ids then name their place.
    """
    text = F.lower(F.trim(F.regexp_replace("text", r"\s+", " ")))
    is_sound = F.size("reasons") == 0
    same_text = F.when(is_sound, F.md5(text)).otherwise(
        F.md5(F.concat_ws("\u0001", "source", F.col("position")))
    )
    in_order = [F.col("source"), F.col("position")]
    ids = Window.partitionBy("doc_id").orderBy(*in_order)
    texts = Window.partitionBy("_same").orderBy(*in_order)
    is_repeated = F.col("_nth") > 1
    place = F.concat_ws("@", "doc_id", F.concat_ws(":", "source", F.col("position")))
    repeated = reason("unique_id", F.col("doc_id"), F.lit("first of its id"), is_repeated)
    numbered = documents.withColumn("_same", same_text).withColumn("_nth", F.row_number().over(ids))
    first = F.first("doc_id").over(texts.rowsBetween(Window.unboundedPreceding, 0))
    return (
        with_reasons(numbered, repeated)
        .withColumn("doc_id", F.when(is_repeated, place).otherwise(F.col("doc_id")))
        .withColumn("_same", F.when(is_repeated, F.col("doc_id")).otherwise(F.col("_same")))
        .withColumn("_first", first)
        .withColumn("kept_doc_id", F.when(F.col("_first") != F.col("doc_id"), F.col("_first")))
        .drop("_same", "_nth", "_first", "problem")
    )


def duplicates() -> Column:
    """Return the number of duplicates among judged documents."""
    return F.count("kept_doc_id").alias("duplicates")


def split_documents(judged: DataFrame) -> dict[str, DataFrame]:
    """Return kept, rejected and duplicate documents: each row of the input is in exactly one.

    Kept documents have the user's own columns after those of the contract.
    """
    known = {*DOCUMENTS.column_names, "reasons", "kept_doc_id"}
    own = [name for name in judged.columns if name not in known]
    is_rejected = F.size("reasons") > 0
    is_duplicate = F.col("kept_doc_id").isNotNull()
    return {
        DOCUMENTS.name: judged.where(~is_rejected & ~is_duplicate).select(
            *DOCUMENTS.column_names, *own
        ),
        REJECTED_DOCUMENTS.name: judged.where(is_rejected).select(REJECTED_DOCUMENTS.column_names),
        DUPLICATE_DOCUMENTS.name: judged.where(~is_rejected & is_duplicate).select(
            DUPLICATE_DOCUMENTS.column_names
        ),
    }
