"""Raw records to documents: parse, normalise, measure signals, judge them, find duplicates."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.corpus.config import Bounds, CleaningSettings, Rules
from pipelines.results import reason, with_reasons
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS

_WORD = r"[\p{L}\p{N}]+(?:['\u2019-][\p{L}\p{N}]+)*"


def clean_documents(
    records: DataFrame, settings: CleaningSettings, *, is_text: bool = False
) -> dict[str, DataFrame]:
    """Clean raw records: parse, normalise, measure, judge them and find duplicates.

    Args:
        records: Frame of `source, position, record, problem`, as `frame_records` or `read_records`
            of `pipelines.sources` returns it.
        settings: `text_column`, `id_column` and `rules` are used.
        is_text: The record is the text itself, not JSON.

    Returns:
        Rows of `documents`, `rejected_documents` and `duplicate_documents` by these names; each
        record is in exactly one. Persist `records` to read them once.
    """
    return split_documents(judge_documents(records, settings, is_text=is_text))


def judge_documents(records: DataFrame, settings: CleaningSettings, *, is_text: bool) -> DataFrame:
    """Return one row per record with its signals, its `reasons` and its `kept_doc_id`."""
    documents = parse_documents(records, settings, is_text=is_text)
    measured = measure_signals(normalise_text(documents))
    return mark_duplicates(judge(measured, settings.rules))


def parse_documents(records: DataFrame, settings: CleaningSettings, *, is_text: bool) -> DataFrame:
    """Parse raw records into documents to be judged; a record is never dropped.

    Args:
        records: Frame of `source, position, record, problem`.
        settings: JSON fields of the text and of the identifier; without the latter ids come from
            file and position.
        is_text: The record is the text itself, not JSON.

    Returns:
        One row per record: `doc_id, source, position, text, problem`.
    """
    place = F.md5(F.concat_ws("\u0001", "source", F.col("position").cast("string")))
    if is_text:
        return records.select(
            place.alias("doc_id"), "source", "position", F.col("record").alias("text"), "problem"
        )
    fields = "map<string,string>"
    parsed = records.withColumn("fields", F.from_json("record", fields))
    text = F.element_at("fields", F.lit(settings.text_column))
    id_column = settings.id_column
    key = F.element_at("fields", F.lit(id_column)) if id_column else F.lit(None)
    problem = F.coalesce(
        F.col("problem"),
        F.when(F.col("fields").isNull(), F.lit("valid_json")),
        F.when(text.isNull(), F.lit("has_text")),
    )
    return parsed.select(
        F.coalesce(key.cast("string"), place).alias("doc_id"),
        "source",
        "position",
        F.coalesce(text, F.col("record")).alias("text"),
        problem.alias("problem"),
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


def split_documents(judged: DataFrame) -> dict[str, DataFrame]:
    """Return kept, rejected and duplicate documents: each row of the input is in exactly one."""
    is_rejected = F.size("reasons") > 0
    is_duplicate = F.col("kept_doc_id").isNotNull()
    return {
        DOCUMENTS.name: judged.where(~is_rejected & ~is_duplicate).select(DOCUMENTS.column_names),
        REJECTED_DOCUMENTS.name: judged.where(is_rejected).select(REJECTED_DOCUMENTS.column_names),
        DUPLICATE_DOCUMENTS.name: judged.where(~is_rejected & is_duplicate).select(
            DUPLICATE_DOCUMENTS.column_names
        ),
    }
