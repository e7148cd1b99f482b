"""Times as logs write them, to instants in UTC."""

import re
from datetime import UTC, datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import ConfigError
from pipelines.interactions.config import EventSettings
from pipelines.sources.values.typed import YEAR_1, YEAR_10000

_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}"
_WITHOUT_ZONE = _DATE + r"([T ][\d:.]*)?\s*$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
"""Numbers below the first are multiplied by the second; 10^11 s and 10^14 ms are the year 5138."""


def micros_of(time: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def parse_time(text: Column, *, time_format: str | None, time_zone: str) -> Column:
    """Read a time as an instant; null where it cannot be read.

    Args:
        text: ISO 8601 with at least a full date, or a number since 1970 whose magnitude tells
            seconds (below 10^11), milli-, micro- or nanoseconds.
        time_format: A Spark datetime pattern that replaces both.
        time_zone: Zone of times that do not say theirs.
    """
    zone = F.lit(time_zone)
    if time_format is not None:
        instant = F.try_to_timestamp(text, F.lit(time_format))
        return instant if _has_zone(time_format) else F.to_utc_timestamp(instant, zone)
    # a bare time of day would be read as today's, so only what starts with a date is cast
    instant = F.when(text.rlike(_DATE), F.try_to_timestamp(text))
    local = F.to_utc_timestamp(instant, zone)
    return F.coalesce(_since_1970(text), F.when(text.rlike(_WITHOUT_ZONE), local), instant)


def _since_1970(text: Column) -> Column:
    number = text.try_cast("decimal(30,9)")
    micros = number / 1000
    for limit, factor in reversed(_UNITS):
        micros = F.when(F.abs(number) < limit, number * factor).otherwise(micros)
    micros = F.floor(micros)
    is_possible = (micros >= YEAR_1) & (micros < YEAR_10000)
    return F.timestamp_micros(F.when(is_possible, micros).cast("bigint"))


def _has_zone(time_format: str) -> bool:
    return re.search("[VzOXxZ]", re.sub("'[^']*'", "", time_format)) is not None


def check_time_settings(spark: SparkSession, settings: EventSettings) -> None:
    """Try the pattern and the zone before any record is read.

    Raises:
        ConfigError: Spark knows no such pattern or zone.
    """
    one, time_format, time_zone = spark.range(1), settings.time_format, settings.time_zone
    try:
        one.select(F.to_utc_timestamp(F.timestamp_seconds(F.lit(0)), F.lit(time_zone))).collect()
    except PySparkException as error:
        raise ConfigError(
            f"time_zone: no zone {time_zone!r}; write it as Europe/Berlin or +02:00"
        ) from error
    if time_format is None:
        return
    try:  # formatting and parsing accept different letters
        pattern = F.lit(time_format)
        text = F.date_format(F.timestamp_seconds(F.lit(0)), time_format)
        one.select(F.try_to_timestamp(text, pattern)).collect()
    except PySparkException as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"time_format: {time_format!r} is no Spark datetime pattern, as "
            f"yyyy-MM-dd HH:mm:ss is ({reason})"
        ) from error
