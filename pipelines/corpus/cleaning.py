"""Raw records to documents: what is read of them, how they are judged, how they are split."""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.deciding import mark_duplicates, numbered_rows
from pipelines.corpus.judging import Judge
from pipelines.corpus.languages.identifying import Identifier
from pipelines.corpus.line_rules import LineRules
from pipelines.corpus.rules import all_rules
from pipelines.sources.frames import frame_records
from pipelines.sources.records import Records, read_records
from pipelines.sources.request import Field, Request, own_fields
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS


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
        settings: These two, the rules and those of languages, repairing and normalising are used.

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
    judge = judge_of(settings, records.columns)
    return mark_duplicates(records.mapInArrow(judge, judge.spark_schema))


def judge_of(settings: CleaningSettings, columns: Sequence[str]) -> Judge:
    """Return what judges records of these columns in tasks.

    Raises:
        ConfigError: A language is named that the detector does not know.
        DependencyError: The detector is not installed.
    """
    rules = all_rules(settings.rules, settings.rule_sets)
    identifier = Identifier(str(settings.language_detector), settings.min_language_score)
    if settings.languages:
        identifier.require(settings.languages, "languages")
    if identifier.detector is not None:
        identifier.require(list(settings.rules.languages), "rules.languages")
    line_rules = LineRules(tuple(settings.line_rules), settings.min_line_words)
    return Judge(
        tuple(rules),
        identifier,
        tuple(settings.languages),
        line_rules,
        tuple(columns),
        settings.how_normalised,
    )


def read_judged(spark: SparkSession, uris: str | list[str], settings: CleaningSettings) -> Records:
    """Read raw text, and judge each record in the task that reads it.

    Returns:
        Rows of `judging.Judge.schema` with `_row_id`; to be persisted, as a second run of the query
        may number rows otherwise.
    """
    fields = document_fields(settings)
    judge = judge_of(settings, Request(tuple(fields), settings).schema.names)
    read = read_records(spark, uris, fields, settings, judge)
    return replace(read, frame=numbered_rows(read.frame))


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
