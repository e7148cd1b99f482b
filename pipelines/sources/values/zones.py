"""Local times of a zone as instants."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import ConfigError

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?")


def from_local(micros: pa.Array, zone: str) -> pa.Array:
    """Return instants of local times, as Spark's `to_utc_timestamp` does.

    Of an hour that comes twice the first is meant; an hour that is left out is counted on from
    before it.

    Raises:
        ConfigError: Arrow knows no such zone.
    """
    local = micros.cast(pa.timestamp("us"))
    try:
        before = pc.assume_timezone(
            local, _arrow_zone(zone), ambiguous="earliest", nonexistent="earliest"
        )
    except pa.ArrowInvalid as error:
        raise ConfigError(
            f"time_zone: no zone {zone!r} for typed times; write it as Europe/Berlin or +02:00"
        ) from error
    offset = pc.subtract(pc.local_timestamp(before).cast(pa.int64()), before.cast(pa.int64()))
    return pc.subtract(micros, offset)


def _arrow_zone(zone: str) -> str:
    """Return a zone as Arrow knows it: an offset has two digits of hours, and minutes."""
    if zone == "Z":
        return "UTC"
    offset = _OFFSET.fullmatch(zone)
    return f"{offset[1]}{offset[2]:>02}:{offset[3] or '00'}" if offset else zone
