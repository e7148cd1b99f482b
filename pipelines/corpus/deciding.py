"""What needs all documents: ids given twice and texts that came before, decided on hashes alone."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.corpus.line_rules import REMOVING
from pipelines.corpus.normalising.choices import TEXT_NOTES
from pipelines.results import JobResult, reason, with_reasons
from pipelines.sources.names import BROKEN_FILE, NOTES
from pipelines.sources.notes import note_lines
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS

MOST_BROADCAST = 4_000_000
"""Rows that lose, up to which their ids (some 32 bytes each) are sent to all executors. Where there
are more, documents are joined to them by a shuffle, with their texts."""

ALL_NOTES = NOTES | TEXT_NOTES
"""What readers change in records, and cleaning in texts."""

_HASHES = ("_content", "_other_content")
_COUNTS = ("_removed_lines", "_records")


@dataclass(frozen=True)
class Told:
    """What one pass over judged documents tells.

    Args:
        records: Records that were read, as the reading tasks counted them.
        broken: Files that broke off.
        notes: Records by note.
        reasons: Rejected documents by rule; one counts under each of its rules.
        rejected: Rejected documents.
        removed_lines: Lines that line rules removed, by rule.
    """

    records: int
    broken: int
    notes: dict[str, int]
    reasons: dict[str, int]
    rejected: int
    removed_lines: dict[str, int]


def _is_sound() -> Column:
    return F.size("reasons") == 0


def _is_record() -> Column:
    return F.coalesce("problem", F.lit("")) != BROKEN_FILE


def narrowed(judged: DataFrame) -> DataFrame:
    """Return all that decisions need of judged rows with `_row_id`: not the texts."""
    return judged.select(
        *("_row_id", "doc_id", "source", "position", *_HASHES, "problem", "notes", *_COUNTS),
        F.col("reasons.rule").alias("rules"),
    )


def tell(narrow: DataFrame) -> Told:
    """Count judged documents and their reasons in one pass; a row per rule reaches the driver.

    Args:
        narrow: What `narrowed` returned, persisted.
    """
    is_first = F.coalesce("place", F.lit(0)) == 0
    notes = F.split("notes", " ")
    listed = narrow.select(*_COUNTS, "notes", F.posexplode_outer("rules"))
    counted = (
        listed.toDF(*_COUNTS, "notes", "place", "rule")
        .groupBy("rule")
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.count_if(is_first).alias("firsts"),
            F.sum(F.when(is_first, F.col("_records")).otherwise(0)).alias("_records"),
            *(
                F.count_if(is_first & F.array_contains(notes, name)).alias(name)
                for name in ALL_NOTES
            ),
            *(
                F.sum(F.when(is_first, F.col("_removed_lines")[n])).alias(f"_removed_{name}")
                for n, name in enumerate(REMOVING)
            ),
        )
    )
    rows = {row["rule"]: row for row in counted.collect()}
    broken = int(rows[BROKEN_FILE]["rows"]) if BROKEN_FILE in rows else 0
    rejecting = {rule: row for rule, row in rows.items() if rule not in (None, BROKEN_FILE)}
    return Told(
        records=sum(int(row["_records"]) for row in rows.values()) - broken,
        broken=broken,
        notes={name: sum(int(row[name]) for row in rows.values()) for name in ALL_NOTES},
        reasons={rule: int(row["rows"]) for rule, row in rejecting.items()},
        rejected=sum(int(row["firsts"]) for row in rejecting.values()),
        removed_lines={
            name: sum(int(row[f"_removed_{name}"] or 0) for row in rows.values())
            for name in REMOVING
        },
    )


def mark_duplicates(judged: DataFrame) -> DataFrame:
    """Add `kept_doc_id` to sound documents whose text, up to white space and case, came before.

    The first by (source, position) is kept. An id that the input gives twice is a reason of
    rejection for its later bearers, whose ids then name their place.

    Args:
        judged: Rows of `doc_id, source, position, reasons`, the hashes, and any others.
    """
    marked = _marked(judged.where(_is_record()), _is_sound())
    marked = _with_repetition(marked, F.col("_is_repeated"))
    return marked.drop(*_HASHES, "_is_repeated", "problem", "notes", *_COUNTS)


def _with_repetition(judged: DataFrame, is_repeated: Column) -> DataFrame:
    """Add the reason of a repeated id, and have the id name its place."""
    place = F.concat_ws("@", "doc_id", F.concat_ws(":", "source", F.col("position")))
    repeated = reason("unique_id", F.col("doc_id"), F.lit("first of its id"), is_repeated)
    doc_id = F.when(is_repeated, place).otherwise(F.col("doc_id"))
    return with_reasons(judged, repeated).withColumn("doc_id", doc_id)


def _marked(rows: DataFrame, is_sound: Column) -> DataFrame:
    """Add `_is_repeated`, whether the id came before, and `kept_doc_id`.

    Rows that are rejected share their text with none.
    """
    in_order = [F.col("source"), F.col("position")]
    ids = Window.partitionBy("doc_id").orderBy(*in_order)
    numbered = rows.withColumn("_is_repeated", F.row_number().over(ids) > 1)
    takes_part = is_sound & ~F.col("_is_repeated")
    same = [F.when(takes_part, F.col(name)) for name in _HASHES]
    alone = F.when(~takes_part, F.xxhash64(*in_order, F.lit("alone")))
    texts = Window.partitionBy(*same, alone).orderBy(*in_order)
    first = F.first("doc_id").over(texts.rowsBetween(Window.unboundedPreceding, 0))
    is_later = takes_part & (F.row_number().over(texts) > 1)
    return numbered.withColumn("kept_doc_id", F.when(is_later, first))


def numbered_rows(judged: DataFrame) -> DataFrame:
    """Add `_row_id`; the frame is to be persisted, as a second run may number other rows so."""
    return judged.withColumn("_row_id", F.monotonically_increasing_id())


def find_losers(narrow: DataFrame) -> DataFrame:
    """Return the documents that are not kept because of another one; no text is shuffled.

    Args:
        narrow: What `narrowed` returned, persisted.

    Returns:
        Rows of `_row_id, doc_id, source, position, is_sound, _is_repeated, kept_doc_id`; ids are as
        they were given.
    """
    rows = narrow.where(_is_record()).select(
        *("_row_id", "doc_id", "source", "position", *_HASHES),
        (F.size("rules") == 0).alias("is_sound"),
    )
    return find_lost(rows)


def find_lost(rows: DataFrame) -> DataFrame:
    """Return the documents that are not kept because of another one.

    Rows of `doc_id, source, position, is_sound`, hashes and others get `_is_repeated` and
    `kept_doc_id` in place of the hashes.
    """
    marked = _marked(rows, F.col("is_sound"))
    is_lost = F.col("_is_repeated") | F.col("kept_doc_id").isNotNull()
    return marked.where(is_lost).drop(*_HASHES)


@dataclass(frozen=True)
class Losses:
    """How many documents are not kept because of another one.

    Args:
        duplicates: Their text came before.
        repeated: Their id came before.
        rejected: Of these, how many break no rule of their own.
    """

    duplicates: int
    repeated: int
    rejected: int


def count_losses(lost: DataFrame) -> Losses:
    """Count the rows of `find_losers`."""
    counts = lost.agg(
        F.count("kept_doc_id"),
        F.count_if("_is_repeated"),
        F.count_if(F.col("_is_repeated") & F.col("is_sound")),
    )
    return Losses(*map(int, counts.collect()[0]))


def rejections(told: Told, losses: Losses) -> dict[str, int]:
    """Return rejected documents by rule, most frequent first."""
    reasons = told.reasons | ({"unique_id": losses.repeated} if losses.repeated else {})
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def result_of(told: Told, losses: Losses) -> JobResult:
    """Return the job's result, as far as it is known before the tables are written."""
    return JobResult(
        rows_in={"corpus": told.records},
        rejected=rejections(told, losses),
        measured={f"{rule}_lines": n for rule, n in told.removed_lines.items() if n},
        lines=note_lines(told.notes, ALL_NOTES),
    )


def split_judged(judged: DataFrame, lost: DataFrame, losses: Losses) -> dict[str, DataFrame]:
    """Return kept, rejected and duplicate documents: each row of the input is in exactly one.

    Kept documents have the user's own columns after those of the contract.

    Args:
        judged: Persisted rows with `_row_id`.
        lost: What `find_losers` returned, persisted.
        losses: What `count_losses` returned.
    """
    records = judged.where(_is_record())
    own = judged.columns[judged.columns.index("_records") + 1 : -1]
    kept = records.where(_is_sound())
    if losses.duplicates or losses.repeated:
        kept = kept.join(_ids(lost, losses), "_row_id", "left_anti")
    rejected = records.where(~_is_sound())
    if losses.repeated:
        repeated = lost.where("_is_repeated").withColumn("_is_repeated", F.lit(True))
        joined = records.join(_ids(repeated, losses, "_is_repeated"), "_row_id", "left")
        is_repeated = F.coalesce("_is_repeated", F.lit(False))
        rejected = _with_repetition(joined, is_repeated).where(~_is_sound())
    duplicate = lost.where(F.col("kept_doc_id").isNotNull())
    return {
        DOCUMENTS.name: kept.select(*DOCUMENTS.column_names, *own),
        REJECTED_DOCUMENTS.name: rejected.select(REJECTED_DOCUMENTS.column_names),
        DUPLICATE_DOCUMENTS.name: duplicate.select(DUPLICATE_DOCUMENTS.column_names),
    }


def _ids(lost: DataFrame, losses: Losses, *columns: str) -> DataFrame:
    """Return ids of rows, to be broadcast unless there are too many."""
    ids = lost.select("_row_id", *columns)
    return F.broadcast(ids) if losses.duplicates + losses.repeated <= MOST_BROADCAST else ids
