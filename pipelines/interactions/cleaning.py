"""Parsed events judged: every rule an event breaks is kept with the value and the threshold."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.errors import GateError
from pipelines.interactions.config import CleanEventsConfig
from pipelines.interactions.times import parse_time
from pipelines.results import JobResult
from schemas import EVENTS, REJECTED_EVENTS
from schemas.corpus import REASONS

_PLACE = ["source", "position"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judge_events(parsed: DataFrame, config: CleanEventsConfig) -> DataFrame:
    """Give parsed events their types, and `reasons`: all that is wrong with each by itself.

    Args:
        parsed: What `parse_events` returns.
        config: Bounds and allowed types.

    Returns:
        The columns of `events` with `record, position, reasons`, one row per record.
    """
    names = ("user", "item", "time", "event_type", "value", "event_id")
    texts = {f"_{name}": F.when(F.col(name).rlike(r"\S"), F.col(name)) for name in names}
    instant = parse_time(F.col("_time"), time_format=config.time_format, time_zone=config.time_zone)
    number = F.col("_value").try_cast("double")
    typed = {
        "time": instant,
        "value": F.when(F.abs(number) < float("inf"), number),  # NaN is above infinity
        "event_type": F.coalesce("_event_type", F.lit(config.default_event_type)),
        "event_id": F.coalesce("_event_id", _place_id()),
    }
    reasons = F.array(*_missing(), *_unreadable(config), *_out_of_bounds(config))
    return (
        parsed.withColumns(texts)
        .withColumns(typed)
        .withColumn("reasons", F.array_compact(reasons).cast(REASONS))
        .drop("problem", "is_object", *texts)
    )


def _missing() -> Iterator[Column]:
    nothing, is_object = F.lit(None), F.col("is_object")
    problem = F.coalesce("problem", F.when(~is_object, F.lit("valid_json")))
    yield _reason(problem, nothing, nothing, problem.isNotNull())
    for name in ("user", "item", "time"):
        is_missing = is_object & F.col(f"_{name}").isNull()
        yield _reason(F.lit(f"has_{name}"), F.col(name), F.lit("not blank"), is_missing)


def _unreadable(config: CleanEventsConfig) -> Iterator[Column]:
    known = F.lit(config.time_format or "ISO 8601 or a number since 1970")
    is_unread = F.col("_time").isNotNull() & F.col("time").isNull()
    yield _reason(F.lit("valid_time"), F.col("_time"), known, is_unread)
    is_unread = F.col("_value").isNotNull() & F.col("value").isNull()
    yield _reason(F.lit("valid_value"), F.col("_value"), F.lit("a finite number"), is_unread)


def _out_of_bounds(config: CleanEventsConfig) -> Iterator[Column]:
    time, value, kind = F.col("time"), F.col("value"), F.col("event_type")
    if config.earliest_time is not None:
        bound = F.lit(f">= {config.earliest_time.isoformat()}")
        yield _reason(F.lit("earliest_time"), time, bound, time < _instant(config.earliest_time))
    if config.latest_time is not None:
        bound = F.lit(f"<= {config.latest_time.isoformat()}")
        yield _reason(F.lit("latest_time"), time, bound, time > _instant(config.latest_time))
    if config.event_types:
        bound = F.lit(f"one of {', '.join(config.event_types)}")
        is_other = F.col("is_object") & ~kind.isin(config.event_types)
        yield _reason(F.lit("event_type"), kind, bound, is_other)
    if config.min_value is not None:
        bound = F.lit(f">= {config.min_value:g}")
        yield _reason(F.lit("min_value"), value, bound, value < config.min_value)
    if config.max_value is not None:
        bound = F.lit(f"<= {config.max_value:g}")
        yield _reason(F.lit("max_value"), value, bound, value > config.max_value)


def _instant(time: datetime) -> Column:
    return F.timestamp_micros(F.lit((time - _EPOCH) // timedelta(microseconds=1)))


def _reason(rule: Column, value: Column, threshold: Column, is_broken: Column) -> Column:
    return F.when(
        is_broken,
        F.struct(
            rule.alias("rule"),
            value.cast("string").alias("value"),
            threshold.cast("string").alias("threshold"),
        ),
    )


def _place_id() -> Column:
    return F.md5(F.concat_ws("\u0001", "source", F.col("position").cast("string")))


def _is_sound() -> Column:
    return F.size("reasons") == 0


def _with_reason(events: DataFrame, reason: Column) -> DataFrame:
    reasons = F.array_compact(F.concat("reasons", F.array(reason)))
    return events.withColumn("reasons", reasons.cast(REASONS))


def reject_repeated_ids(events: DataFrame) -> DataFrame:
    """Reject all but the first bearer of an id, sound ones first, and name the others by place."""
    bearers = Window.partitionBy("event_id").orderBy(~_is_sound(), *_PLACE)
    numbered = events.withColumn("_nth", F.row_number().over(bearers))
    is_repeated = F.col("_nth") > 1
    reason = _reason(
        F.lit("unique_event_id"), F.col("event_id"), F.lit("first of its id"), is_repeated
    )
    own = F.when(is_repeated, _place_id()).otherwise(F.col("event_id"))
    return _with_reason(numbered, reason).withColumn("event_id", own).drop("_nth")


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
    reason = _reason(F.lit("duplicate_event"), F.col("_since"), threshold, is_repeated)
    return _with_reason(events.withColumn("_since", since), reason).drop("_since")


def reject_bots(events: DataFrame, *, max_events: int) -> DataFrame:
    """Reject all sound events of users who have more of them than a person makes."""
    alone = F.when(~_is_sound(), _place_id())
    count = F.count(F.lit(1)).over(Window.partitionBy("user", alone))
    is_bot = _is_sound() & (F.col("_count") > max_events)
    threshold = F.lit(f"<= {max_events}")
    reason = _reason(F.lit("max_events_per_user"), F.col("_count"), threshold, is_bot)
    return _with_reason(events.withColumn("_count", count), reason).drop("_count")


def judge_repetitions(events: DataFrame, config: CleanEventsConfig, *, has_ids: bool) -> DataFrame:
    """Add the reasons that need other events: repeated ids, then duplicates, then bots.

    Args:
        events: Events judged by themselves.
        config: The window of duplicates and the limit of bots.
        has_ids: Whether any record brought an id; ids from places are unique.
    """
    if has_ids:
        events = reject_repeated_ids(events)
    if config.duplicate_window_seconds is not None:
        events = reject_duplicates(events, window_seconds=config.duplicate_window_seconds)
    if config.max_events_per_user is not None:
        events = reject_bots(events, max_events=config.max_events_per_user)
    return events


def split_events(judged: DataFrame) -> dict[str, DataFrame]:
    """Return kept and rejected events: each row of the input is in exactly one."""
    return {
        EVENTS.name: judged.where(_is_sound()).select(EVENTS.column_names),
        REJECTED_EVENTS.name: judged.where(~_is_sound()).select(REJECTED_EVENTS.column_names),
    }


def time_span(events: DataFrame) -> dict[str, str]:
    """Return the first and the last time: numbers taken for the wrong unit show here."""
    span = events.agg(
        F.min("time").cast("string").alias("first_time"),
        F.max("time").cast("string").alias("last_time"),
    )
    return {name: time for name, time in span.collect()[0].asDict().items() if time}


def require_events(result: JobResult) -> None:
    """Refuse an input of which nothing is left.

    Raises:
        GateError: There were records, and all were rejected.
    """
    rows = result.rows_out[REJECTED_EVENTS.name]
    if rows and not result.rows_out[EVENTS.name]:
        raise GateError(
            f"all {rows:,} records were rejected, most often for {next(iter(result.rejected))!r}: "
            "their values stand in 'rejected_events'; see columns, time_format, event_types"
        )
