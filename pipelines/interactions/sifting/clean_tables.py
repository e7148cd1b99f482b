"""Cleaning events by tasks after the records were sifted, and staging what they made."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster.many_tasks import in_tasks
from pipelines.cluster.one_task import in_one_task
from pipelines.interactions.blocked.cleaning import BucketCleaning, Dealing, FindingRepeated
from pipelines.interactions.cleaning import judge_events
from pipelines.interactions.config import EventSettings
from pipelines.interactions.layouts import Choice, bucket_count
from pipelines.interactions.sifting.cleaning import Cleaned, PackedCleaning
from pipelines.interactions.sifting.held import JUDGED
from pipelines.interactions.sifting.rejecting import told_time
from pipelines.interactions.sifting.sifted_input import SiftedInput, own_names
from pipelines.results import JobResult, first_reasons
from pipelines.sources.notes import note_lines
from pipelines.table_store import TableStore
from schemas import EVENTS, REJECTED_EVENTS, REJECTED_FILES


def clean_tables(
    store: TableStore, sifted: SiftedInput, choice: Choice, settings: EventSettings
) -> tuple[JobResult, DataFrame]:
    """Clean sifted records in tasks, and stage the tables.

    Returns:
        The result, and some rejected rows for messages.
    """
    counts, own = sifted.counts, own_names(sifted.request)
    others = list(_judge_others(store, sifted, settings))
    clean = _packed if choice.is_packed else _blocked
    found = clean(store, sifted, others, choice, settings)
    reasons: Counter[str] = sum((each.reasons for each in found), Counter())
    in_order = dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    result = JobResult(
        rows_in={"events": counts["records"]}, rejected=in_order, lines=note_lines(counts)
    )
    result.measures |= _span(found)
    for table in (EVENTS.with_own(own), REJECTED_EVENTS):
        written = [piece for each in found for piece in each.pieces[table.name]]
        pieces = store.scratch.pieces(choice.writers[table.name], written)
        result.rows_out[table.name], _ = store.stage_pieces(pieces, table)
    files = sifted.broken_files(store.spark)
    rows = store.stage(files, REJECTED_FILES, is_empty=not counts["broken"])
    result.rows_out[REJECTED_FILES.name] = rows
    return result, first_reasons(store.spark, (one for each in found for one in each.samples))


def _packed(
    store: TableStore,
    sifted: SiftedInput,
    others: list[str],
    choice: Choice,
    settings: EventSettings,
) -> list[Cleaned]:
    """Clean all records in one task."""
    work = PackedCleaning(
        sifted.sound,
        others,
        sifted.schema,
        own_names(sifted.request),
        choice.writers,
        settings,
        has_ids=sifted.counts["event_id"] > 0,
    )
    return [in_one_task(store.spark, work)]


def _blocked(
    store: TableStore,
    sifted: SiftedInput,
    others: list[str],
    choice: Choice,
    settings: EventSettings,
) -> list[Cleaned]:
    """Deal the records into buckets of users, and clean each in a task."""
    spark, sound, schema = store.spark, sifted.sound, sifted.schema
    own, buckets = own_names(sifted.request), bucket_count(store, sifted.work)
    has_ids = sifted.counts["event_id"] > 0
    deal = Dealing(sound, others, schema, own, sifted.folder, buckets, has_ids)
    dealt = in_tasks(spark, deal, len(sound) + len(others))
    records, repeated = [each.records for each in dealt], []
    if has_ids:
        find = FindingRepeated([each.bearers for each in dealt], sifted.folder)
        repeated = in_tasks(spark, find, buckets)
    work = BucketCleaning(
        records[: len(sound)],
        records[len(sound) :],
        repeated,
        schema,
        own,
        choice.writers,
        settings,
    )
    return in_tasks(spark, work, buckets)


def _span(found: Sequence[Cleaned]) -> dict[str, Any]:
    """Return the first and the last time of kept events; nothing where none is kept."""
    if not any(each.kept for each in found):
        return {}
    times = [time for each in found for time in each.times]
    bounds = (min(times), max(times)) if times else (None, None)
    names = ("first_time", "last_time")
    return {
        name: None if micros is None else told_time(micros)
        for name, micros in zip(names, bounds, strict=True)
    }


def _judge_others(store: TableStore, sifted: SiftedInput, settings: EventSettings) -> Iterator[str]:
    """Let Spark judge the records that are not plainly sound, and name the files it writes."""
    if not sifted.others:
        return
    folder = f"{sifted.folder}/judged"
    judged = judge_events(sifted.records(store.spark, only_others=True), settings)
    judged = judged.withColumn("record", F.coalesce("record", F.to_json("_fields")))
    moment = F.col("time").cast("timestamp").alias("time")
    columns = [
        moment if name == "time" else F.col(f"`{name}`")
        for name in [*JUDGED.names, *own_names(sifted.request)]
    ]
    # Hadoop cuts pages of its own "lz4" into blocks that Arrow does not read
    judged.select(columns).write.option("compression", "lz4_raw").parquet(folder)
    for info in store.files.walk(folder):
        if info.relative.endswith(".parquet"):
            yield info.uri
