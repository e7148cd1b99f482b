"""Columns of every Arrow type become the same keys, numbers and times: a table to read."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from pipelines.sources.request import Field
from pipelines.sources.values.typed import typed

ONE = UUID("12345678-1234-5678-1234-567812345678")
NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
KEYS = [
    # values, type, keys
    (["00042", " a ", "", None], pa.string(), ["00042", " a ", "", None]),
    (["a", "b", "a"], pa.dictionary(pa.int32(), pa.string()), ["a", "b", "a"]),
    (["a", None], pa.large_string(), ["a", None]),
    (["a", None], pa.string_view(), ["a", None]),
    ([7, -3, None], pa.int64(), ["7", "-3", None]),
    ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
    ([12345678.0, None, 2.5, -0.0], pa.float64(), ["12345678", None, "2.5", "0"]),
    ([2.0**53 - 1], pa.float64(), ["9007199254740991"]),
    ([16777215.0, 0.1], pa.float32(), ["16777215", "0.1"]),
    ([math.nan, math.inf], pa.float64(), [None, None]),
    ([Decimal("12.00"), Decimal("12.50")], pa.decimal128(9, 2), ["12", "12.50"]),
    ([Decimal("-7")], pa.decimal256(40, 0), ["-7"]),
    ([True, None], pa.bool_(), ["true", None]),
    ([b"ann", "té".encode(), None], pa.binary(), ["ann", "té", None]),
    ([b"ab"], pa.binary(2), ["ab"]),
    ([ONE.bytes, None], pa.uuid(), [str(ONE), None]),
    ([date(2024, 1, 31)], pa.date32(), ["2024-01-31"]),
    ([NOON], pa.timestamp("s", "UTC"), ["2024-01-31 12:00:00.000000Z"]),
]


@pytest.mark.parametrize(("values", "kind", "keys"), KEYS)
def test_keys(values, kind, keys):
    found = typed(pa.array(values, kind), Field("user", "user", "key"))
    assert found.text.to_pylist() == keys
    assert not found.problems


@pytest.mark.parametrize(
    ("values", "kind", "is_noted"),
    [
        ([2.0**53, 1e300, 2.0**53 - 1, 0.5], pa.float64(), [True, True, False, False]),
        ([2.0**24, 2.0**24 - 1], pa.float32(), [True, False]),
    ],
)
def test_digits_that_a_float_does_not_hold_are_noted(values, kind, is_noted):
    found = typed(pa.array(values, kind), Field("user", "user", "key"))
    assert found.notes["lossy_key"].to_pylist() == is_noted


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (pa.array([b"\xff", None, b"a"]), {"valid_utf8": [True, False, False]}),
        (pa.array([[1], None]), {"scalar_value": [True, False]}),
        (pa.array([{"a": 1}]), {"scalar_value": [True]}),
    ],
)
def test_what_is_no_single_value_is_refused(array, problem):
    found = typed(array, Field("user", "user", "key"))
    assert {name: rows.to_pylist() for name, rows in found.problems.items()} == problem


MICROS = 1_706_702_400_000_000  # 2024-01-31 12:00 UTC


@pytest.mark.parametrize(
    ("ticks", "kind", "zone", "micros", "is_cut"),
    [
        (MICROS // 10**6, pa.timestamp("s"), "UTC", MICROS, False),
        (MICROS // 1000 + 7, pa.timestamp("ms"), "UTC", MICROS + 7000, False),
        (MICROS + 123456, pa.timestamp("us"), "UTC", MICROS + 123456, False),
        (MICROS * 1000 + 123456000, pa.timestamp("ns"), "UTC", MICROS + 123456, False),
        (MICROS * 1000 + 123456789, pa.timestamp("ns"), "UTC", MICROS + 123456, True),
        (-1, pa.timestamp("ns"), "UTC", -1, True),  # before 1970 digits are cut downwards too
        (MICROS, pa.timestamp("us", "Asia/Tokyo"), "Europe/Berlin", MICROS, False),
        (MICROS, pa.timestamp("us"), "Europe/Berlin", MICROS - 3600 * 10**6, False),
        (MICROS, pa.timestamp("us"), "+02:00", MICROS - 7200 * 10**6, False),
        (MICROS // 86_400_000_000, pa.date32(), "UTC", MICROS - 43_200_000_000, False),
    ],
)
def test_times_of_any_unit_are_kept_to_the_microsecond(ticks, kind, zone, micros, is_cut):
    storage = pa.int32() if kind == pa.date32() else pa.int64()
    array = pa.array([ticks, None], storage).cast(kind)
    found = typed(array, Field("time", "time", "time", zone=zone))
    assert found.value.to_pylist() == [micros, None]
    assert bool(found.notes["truncated_time"][0].as_py()) == is_cut
    assert found.text.null_count == 2


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([3, None], pa.int64()), [3.0, None]),
        (pa.array([2**53 + 1], pa.int64()), [2.0**53]),
        (pa.array([Decimal("3.25")]), [3.25]),
        (pa.array([0.1], pa.float32()), [0.1]),
        (pa.array([1.5, float("nan"), float("inf"), None]), [1.5, None, None, None]),
        (pa.array([1.5]).dictionary_encode(), [1.5]),
    ],
)
def test_numbers_stay_numbers(array: pa.Array, expected: list[float | None]) -> None:
    found = typed(array, Field("value", "value", "number"))
    assert found.value is not None
    assert found.value.to_pylist() == expected
    assert found.text.null_count == len(array)
    lost = [value is not None and not math.isfinite(value) for value in array.to_pylist()]
    assert [bool(x) for x in found.notes["not_finite"].to_pylist()] == lost
