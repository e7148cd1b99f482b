"""Arrow columns of any type to the strings that keys, numbers and texts are, and to times."""

from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.request import Field
from pipelines.sources.values.constants import repeated
from pipelines.sources.values.text_values import only_finite, read_numbers, read_times
from pipelines.sources.values.zones import from_local

_WHOLE_BELOW = {pa.float16(): 2.0**11, pa.float32(): 2.0**24, pa.float64(): 2.0**53}
_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}
YEAR_1, YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Microseconds since 1970 of the first year that is written, and of the first that is not."""


@dataclass
class Typed:
    """One column as a job gets it.

    Args:
        text: Strings as they are written; null where there is no value, or it was typed.
        value: Microseconds since 1970, UTC, of a typed time; float64 of a typed number.
        notes: Rows in which something was changed, by the names of `names.NOTES`.
        problems: Rows that are refused, by the names of `names.PROBLEMS`.
    """

    text: pa.Array
    value: pa.Array | None = None
    notes: dict[str, pa.Array] = field(default_factory=dict)
    problems: dict[str, pa.Array] = field(default_factory=dict)


def typed(array: pa.Array, wanted: Field) -> Typed:
    """Return a column of any Arrow type as its field wants it.

    Integers and decimals without a fraction are their digits; whole floats below the last integer
    that their type holds exactly (2^53 for 64 bits) are integers, larger ones are noted as lossy;
    NaN and infinity are no value; binary is its UTF-8 text; a UUID is its text; lists and structs
    are refused.
    """
    array = _plain(array)
    kind = array.type
    is_moment = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if is_moment or (wanted.kind == "time" and pa.types.is_duration(kind)):
        return _time(array, wanted)
    if wanted.kind == "number" and _is_number(kind):
        return _number(array)
    return _as_text(array, wanted)


def _as_text(array: pa.Array, wanted: Field) -> Typed:
    kind = array.type
    if pa.types.is_floating(kind):
        return _floats(array, wanted)
    if pa.types.is_decimal(kind):
        return Typed(_decimal_text(array))
    if _is_binary(kind):
        return _binary(array)
    if pa.types.is_nested(kind):
        return Typed(repeated(None, len(array)), problems={"scalar_value": array.is_valid()})
    text = array.cast(pa.string())
    if wanted.kind == "time" and wanted.is_standard:
        return Typed(text, value=read_times(text, wanted.zone))
    return Typed(text, value=read_numbers(text) if wanted.kind == "number" else None)


def _plain(array: pa.Array) -> pa.Array:
    """Return an array without its dictionary or extension type; a UUID as its text."""
    if isinstance(array, pa.ExtensionArray):
        return uuid_text(array) if "uuid" in str(array.type) else array.storage
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _is_binary(kind: pa.DataType) -> bool:
    is_variable = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return bool(is_variable or pa.types.is_fixed_size_binary(kind) or kind == pa.binary_view())


def _is_number(kind: pa.DataType) -> bool:
    is_exact = pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    return bool(is_exact or pa.types.is_floating(kind))


def _number(array: pa.Array) -> Typed:
    """Return numbers as float64, the nearest where it has not all the digits.

    A narrower float is the shortest decimal that it stands for: .1, not .10000000149011612.
    """
    if array.type in (pa.float16(), pa.float32()):
        array = array.cast(pa.string())
    wide = array.cast(pa.float64(), safe=False)
    nothing = repeated(None, len(array))
    notes = {"not_finite": pc.invert(pc.is_finite(wide))}
    return Typed(nothing, value=only_finite(wide), notes=notes)


def _floats(array: pa.Array, wanted: Field) -> Typed:
    is_finite = pc.is_finite(array)
    finite = pc.if_else(is_finite, array, None)
    wide = finite.cast(pa.float64())
    below = _WHOLE_BELOW[array.type]
    is_whole = pc.equal(pc.floor(wide), wide)
    is_exact = pc.and_(is_whole, pc.less(pc.abs(wide), below))
    digits = pc.if_else(is_exact, wide, None).cast(pa.int64()).cast(pa.string())
    text = pc.coalesce(digits, finite.cast(pa.string()))
    notes = {"not_finite": pc.invert(is_finite)}
    if wanted.kind == "key":
        notes["lossy_key"] = pc.and_(is_whole, pc.invert(is_exact))
    return Typed(text, notes=notes)


def _decimal_text(array: pa.Array) -> pa.Array:
    """Return decimals as digits, without a fraction of zeros and never with an exponent."""
    text = array.cast(pa.string())
    if pc.any(pc.match_substring(text, "E")).as_py():  # Arrow's zeros and small numbers
        values = array.to_pylist()
        text = pa.array([None if v is None else f"{v:f}" for v in values], pa.string())
    return pc.replace_substring_regex(text, r"\.0*$", "")


def _binary(array: pa.Array) -> Typed:
    """Read bytes as UTF-8; a row that is no text is refused."""
    if pa.types.is_fixed_size_binary(array.type):
        array = array.cast(pa.binary())
    try:
        return Typed(array.cast(pa.string()))
    except pa.ArrowInvalid:
        values = [_decoded(value) for value in array.to_pylist()]
    text = pa.array(values, pa.string())
    return Typed(text, problems={"valid_utf8": pc.and_(array.is_valid(), pc.is_null(text))})


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def uuid_text(array: pa.Array) -> pa.Array:
    """Return 16-byte values, which a Parquet file says are UUIDs, as their text."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    values = array.to_pylist()
    return pa.array([None if v is None else str(UUID(bytes=v)) for v in values], pa.string())


def _time(array: pa.Array, wanted: Field) -> Typed:
    if wanted.kind != "time":
        return Typed(_iso(array))
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    ticks, unit = array.cast(pa.int64()), array.type.unit
    if pa.types.is_duration(array.type):
        return Typed(_told(ticks, f"{unit} long"))
    is_year = _is_year(ticks, unit)
    micros, is_cut = _to_micros(pc.if_else(is_year, ticks, None), unit)
    if array.type.tz is None and wanted.zone != "UTC":
        micros = from_local(micros, wanted.zone)
    text = pc.if_else(is_year, None, _told(ticks, f"{unit} since 1970"))
    return Typed(text, value=micros, notes={"truncated_time": is_cut})


def _told(ticks: pa.Array, what: str) -> pa.Array:
    """Return numbers that are no times as no time is written: to be refused and shown."""
    return pc.binary_join_element_wise(ticks.cast(pa.string()), what, " ")


def _is_year(ticks: pa.Array, unit: str) -> pa.Array:
    """Tell which times are of the years that can be written, 1 to 9999."""
    if unit == "ns":
        return pc.is_valid(ticks)
    factor = _MICROS[unit]
    return pc.and_(pc.greater_equal(ticks, YEAR_1 // factor), pc.less(ticks, YEAR_10000 // factor))


def _to_micros(ticks: pa.Array, unit: str) -> tuple[pa.Array, pa.Array]:
    """Return microseconds, rounded down, and where digits were cut off."""
    if unit == "ns":
        numbers = ticks.fill_null(0).to_numpy(zero_copy_only=False)
        micros, rest = np.divmod(numbers, 1000)
        is_null = ticks.is_null().to_numpy(zero_copy_only=False)
        return pa.array(micros, mask=is_null), pa.array(rest != 0)
    return pc.multiply_checked(ticks, _MICROS[unit]), pa.nulls(len(ticks), pa.bool_())


def _iso(array: pa.Array) -> pa.Array:
    """Return dates and times as ISO 8601, to the microsecond, with `Z` where they are instants."""
    if pa.types.is_date(array.type):
        return array.cast(pa.date32()).cast(pa.string())
    micros = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    text = micros.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(text, "Z", "") if array.type.tz else text
