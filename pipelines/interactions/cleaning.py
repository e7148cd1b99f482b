"""Parsed events judged: every rule an event breaks is kept with the value and the threshold."""

from collections.abc import Iterator
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.interactions.config import EventColumns, EventSettings
from pipelines.interactions.parsing import event_fields
from pipelines.interactions.times import check_time_settings, micros_of, parse_time
from pipelines.results import reason, with_reasons
from pipelines.sources.frames import frame_records
from pipelines.sources.records import count_records
from schemas import EVENTS, REJECTED_EVENTS

_PLACE = ["source", "position"]


def clean_events(frame: DataFrame, settings: EventSettings) -> dict[str, DataFrame]:
    """Clean the rows of a frame: judge them as events one by one, then for repetitions.

    Args:
        frame: Rows with the columns that `settings.columns` names.
        settings: Those of files and `max_rejected_share` are not used.

    Returns:
        Rows of `events` and `rejected_events` by these names; each row is in exactly one, and its
        position is its place in the frame as it is partitioned now.

    Raises:
        ConfigError: Spark knows no such pattern or zone of times.
        InputError: The frame lacks a column.
    """
    check_time_settings(frame.sparkSession, settings)
    records = frame_records(frame, event_fields(settings))
    has_ids = count_records(records, "event_id")["event_id"] > 0
    judged = judge_events(records, settings)
    return split_events(judge_repetitions(judged, settings, has_ids=has_ids))


def judge_events(records: DataFrame, settings: EventSettings) -> DataFrame:
    """Give records the types of events, and `reasons`: all that is wrong with each by itself.

    Args:
        records: Records of the columns that `event_fields` names.
        settings: Bounds and allowed types.

    Returns:
        The columns of `events` with `record, position, reasons, _fields`, one row per record. The
        raw record is there where it is rejected; `_fields` is what it would be made of.
    """
    names = [name for name in EventColumns.model_fields if name in records.columns]
    texts = {f"_{name}": F.when(F.col(name).rlike(r"\S"), F.col(name)) for name in names}
    nothing = F.lit(None).cast("string")
    texts |= {f"_{name}": nothing for name in EventColumns.model_fields if name not in names}
    zone = settings.time_zone
    instant = parse_time(F.col("_time"), time_format=settings.time_format, time_zone=zone)
    sourced = _typed_by_source(records)
    number = F.coalesce(sourced["value"], F.col("_value").try_cast("double"))
    whole = (F.coalesce(n, sourced.get(n, nothing).cast("string")).alias(n) for n in names)
    typed = {
        "time": F.coalesce(sourced["time"], instant),
        "value": F.when(F.abs(number) < float("inf"), number),  # NaN is above infinity
        "event_type": F.coalesce("_event_type", F.lit(settings.default_event_type)),
        "event_id": F.coalesce("_event_id", _place_id()),
        "_fields": F.struct(*whole),
    }
    reasons = [
        *_missing(needs_time=settings.columns.time is not None),
        *_unreadable(settings),
        *_out_of_bounds(settings),
    ]
    judged = with_reasons(records.withColumns(texts).withColumns(typed), *reasons)
    return _with_records(judged).drop("problem", "notes", "time_micros", "value_number", *texts)


def _with_records(judged: DataFrame) -> DataFrame:
    """Show the records that are rejected as JSON, where their source had no text of them."""
    shown = F.when(~_is_sound(), F.to_json("_fields"))
    return judged.withColumn("record", F.coalesce("record", shown))


def _typed_by_source(records: DataFrame) -> dict[str, Column]:
    """Return times and values that the source has as such; a Parquet file may, CSV has none."""
    has_time, has_value = (name in records.columns for name in ("time_micros", "value_number"))
    return {
        "time": F.timestamp_micros("time_micros" if has_time else F.lit(None).cast("bigint")),
        "value": F.col("value_number") if has_value else F.lit(None).cast("double"),
    }


def _missing(*, needs_time: bool) -> Iterator[Column]:
    nothing, problem = F.lit(None), F.col("problem")
    yield reason(problem, nothing, nothing, problem.isNotNull())
    for name in ("user", "item"):
        is_missing = problem.isNull() & F.col(f"_{name}").isNull()
        yield reason(f"has_{name}", F.col(name), F.lit("not blank"), is_missing)
    if needs_time:
        has_time = F.col("_time").isNotNull() | F.col("time").isNotNull()
        yield reason("has_time", nothing, F.lit("not blank"), problem.isNull() & ~has_time)


def _unreadable(settings: EventSettings) -> Iterator[Column]:
    known = F.lit(settings.time_format or "ISO 8601 or a number since 1970")
    is_unread = F.col("_time").isNotNull() & F.col("time").isNull()
    yield reason("valid_time", F.col("_time"), known, is_unread)
    is_unread = F.col("_value").isNotNull() & F.col("value").isNull()
    yield reason("valid_value", F.col("_value"), F.lit("a finite number"), is_unread)


def _out_of_bounds(settings: EventSettings) -> Iterator[Column]:
    time, value, kind = F.col("time"), F.col("value"), F.col("event_type")
    if settings.earliest_time is not None:
        bound = F.lit(f">= {settings.earliest_time.isoformat()}")
        yield reason("earliest_time", time, bound, time < _instant(settings.earliest_time))
    if settings.latest_time is not None:
        bound = F.lit(f"<= {settings.latest_time.isoformat()}")
        yield reason("latest_time", time, bound, time > _instant(settings.latest_time))
    if settings.event_types:
        bound = F.lit(f"one of {', '.join(settings.event_types)}")
        is_other = F.col("problem").isNull() & ~kind.isin(settings.event_types)
        yield reason("event_type", kind, bound, is_other)
    if settings.min_value is not None:
        bound = F.lit(f">= {settings.min_value:g}")
        yield reason("min_value", value, bound, value < settings.min_value)
    if settings.max_value is not None:
        bound = F.lit(f"<= {settings.max_value:g}")
        yield reason("max_value", value, bound, value > settings.max_value)


def _instant(time: datetime) -> Column:
    return F.timestamp_micros(F.lit(micros_of(time)))


def _place_id() -> Column:
    return F.md5(F.concat_ws("\u0001", "source", F.col("position").cast("string")))


def _is_sound() -> Column:
    return F.size("reasons") == 0


def reject_repeated_ids(events: DataFrame) -> DataFrame:
    """Reject all but the first bearer of an id, sound ones first, and name the others by place."""
    bearers = Window.partitionBy("event_id").orderBy(~_is_sound(), *_PLACE)
    numbered = events.withColumn("_nth", F.row_number().over(bearers))
    is_repeated = F.col("_nth") > 1
    repeated = reason("unique_event_id", F.col("event_id"), F.lit("first of its id"), is_repeated)
    own = F.when(is_repeated, _place_id()).otherwise(F.col("event_id"))
    return with_reasons(numbered, repeated).withColumn("event_id", own).drop("_nth")


def reject_duplicates(events: DataFrame, *, window_seconds: float) -> DataFrame:
    """Reject sound events that repeat the previous one of the same user, item, type and value.

    Args:
        events: Judged events.
        window_seconds: Longest time from the previous to a duplicate; a duplicate is itself the
            previous one of the next.
    """
    # what is rejected already stands alone: it repeats nothing, and no window gathers all nulls
    alone = F.when(~_is_sound(), _place_id())
    same = Window.partitionBy("user", "item", "event_type", "value", alone)
    micros = F.unix_micros("time")
    since = (micros - F.lag(micros).over(same.orderBy("time", *_PLACE))) / 1_000_000
    threshold = F.lit(f"> {window_seconds:g} s after the previous")
    is_repeated = F.col("_since") <= window_seconds
    repeated = reason("duplicate_event", F.col("_since"), threshold, is_repeated)
    return with_reasons(events.withColumn("_since", since), repeated).drop("_since")


def reject_bots(events: DataFrame, *, max_events: int) -> DataFrame:
    """Reject all sound events of users who have more of them than a person makes."""
    alone = F.when(~_is_sound(), _place_id())
    count = F.count(F.lit(1)).over(Window.partitionBy("user", alone))
    is_bot = _is_sound() & (F.col("_count") > max_events)
    threshold = F.lit(f"<= {max_events}")
    too_many = reason("max_events_per_user", F.col("_count"), threshold, is_bot)
    return with_reasons(events.withColumn("_count", count), too_many).drop("_count")


def judge_repetitions(events: DataFrame, settings: EventSettings, *, has_ids: bool) -> DataFrame:
    """Add the reasons that need other events: repeated ids, then duplicates, then bots.

    Args:
        events: Events judged by themselves.
        settings: The window of duplicates and the limit of bots.
        has_ids: Whether any record brought an id; ids from places are unique.
    """
    if has_ids:
        events = reject_repeated_ids(events)
    if settings.duplicate_window_seconds is not None:
        events = reject_duplicates(events, window_seconds=settings.duplicate_window_seconds)
    if settings.max_events_per_user is not None:
        events = reject_bots(events, max_events=settings.max_events_per_user)
    return _with_records(events).drop("_fields")


def split_events(judged: DataFrame) -> dict[str, DataFrame]:
    """Return kept and rejected events: each row of the input is in exactly one.

    Kept events have the user's own columns after those of the contract.
    """
    others = {*EVENTS.column_names, *REJECTED_EVENTS.column_names, "_fields"}
    own = [name for name in judged.columns if name not in others]
    return {
        EVENTS.name: judged.where(_is_sound()).select(*EVENTS.column_names, *own),
        REJECTED_EVENTS.name: judged.where(~_is_sound()).select(REJECTED_EVENTS.column_names),
    }


def time_span() -> tuple[Column, Column]:
    """Return the first and the last time: numbers taken for the wrong unit show here."""
    return (
        F.min("time").cast("string").alias("first_time"),
        F.max("time").cast("string").alias("last_time"),
    )
