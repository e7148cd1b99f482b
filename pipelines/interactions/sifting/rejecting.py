"""Rows of `rejected_events` of records that are lost to others, as Spark writes such rows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.reasons import REASON
from pipelines.interactions.config import EventSettings
from pipelines.interactions.sifting.deciding import BOT, DUPLICATE, REPEATED, Decision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPECIAL = r'["\\\x00-\x1f]'
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPES = str.maketrans({chr(n): f"\\u{n:04X}" for n in range(0x20)} | _SHORT)
_PLAIN = (1e-3, 1e7)  # magnitudes that Java writes without an exponent


def json_records(columns: dict[str, pa.Array]) -> pa.Array:
    """Return JSON objects of strings, without nulls, as Spark's `to_json` writes them."""
    fields = [_field(name, texts) for name, texts in columns.items()]
    inside = pc.binary_join_element_wise(*fields, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", inside, "}", "")


def _field(name: str, texts: pa.Array) -> pa.Array:
    is_special = pc.fill_null(pc.match_substring_regex(texts, _SPECIAL), False)
    if pc.any(is_special).as_py():
        escaped = [text.translate(_ESCAPES) for text in texts.filter(is_special).to_pylist()]
        texts = pc.replace_with_mask(texts, is_special, pa.array(escaped, pa.string()))
    return pc.binary_join_element_wise(f'"{name}":"', texts, '"', "")


def told_time(micros: int) -> str:
    """Return a time in UTC as Spark writes it: with the digits of a second that it has."""
    time = _EPOCH + timedelta(microseconds=micros)
    text = time.replace(tzinfo=None).isoformat(" ", timespec="microseconds")
    return text.rstrip("0").rstrip(".") if "." in text else text


def told_number(number: float) -> str:
    """Return a number as Java writes it: 0.5, 10.0, 1.0E7."""
    low, high = _PLAIN
    if number == 0 or low <= abs(number) < high:
        return repr(float(number))
    sign, digits, exponent = Decimal(repr(float(number))).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    power = len(digits) + int(exponent) - 1
    return f"{'-' * sign}{text[0]}.{text[1:] or '0'}E{power}"


def texts_of(texts: pa.Array, typed: pa.Array, *, is_time: bool) -> pa.Array:
    """Return the texts of values, and of those that the source had typed, how Spark shows them."""
    lacks = pc.and_(texts.is_null(), typed.is_valid())
    if not pc.any(lacks).as_py():
        return texts
    tell = told_time if is_time else told_number
    told = [tell(value) for value in typed.filter(lacks).to_pylist()]
    return pc.replace_with_mask(texts, lacks, pa.array(told, pa.string()))


def reasons_of(
    decision: Decision, rows: NDArray[np.int64], ids: pa.Array, settings: EventSettings
) -> pa.StructArray:
    """Return the reason of each row that is lost to another.

    Args:
        decision: Which rows are lost.
        rows: Rows that are.
        ids: The ids they came with.
        settings: Thresholds.
    """
    rules, measured = decision.rules[rows], decision.measured[rows]
    values = ids
    for rule, tell in ((DUPLICATE, told_number), (BOT, lambda count: str(int(count)))):
        found, places = np.unique(measured[rules == rule], return_inverse=True)
        told = pa.array([tell(value) for value in found.tolist()], pa.string())
        values = pc.replace_with_mask(values, pa.array(rules == rule), told.take(pa.array(places)))
    window, most = settings.duplicate_window_seconds, settings.max_events_per_user
    names = {
        REPEATED: ("unique_event_id", "first of its id"),
        DUPLICATE: ("duplicate_event", f"> {window or 0:g} s after the previous"),
        BOT: ("max_events_per_user", f"<= {most}"),
    }
    places = pa.array(rules - 1)
    rule, threshold = (pa.array([told[n] for told in names.values()]).take(places) for n in (0, 1))
    return pa.StructArray.from_arrays([rule, values, threshold], fields=list(REASON))
