"""Parts of sifting, beside the standard library and what Java writes."""

import hashlib

import pyarrow as pa

from pipelines.interactions.sifting.place_ids import place_ids
from pipelines.interactions.sifting.rejecting import json_records, told_number, told_time


def test_ids_of_places_are_the_md5_of_file_and_position() -> None:
    sources = ["log", "", "\u6f22" * 17, *("a" * length for length in range(45, 130))]
    positions = [0, 9, 10**18, *range(1, 10**9, 10**9 // 84)][: len(sources)]
    given = pa.array([None, "own", *[None] * (len(sources) - 2)], pa.string())
    source = pa.array(sources).dictionary_encode()
    table = pa.table({"source": source, "position": positions, "event_id": given})
    expected = [
        hashlib.md5(f"{name}\x01{place}".encode()).hexdigest()  # noqa: S324
        for name, place in zip(sources, positions, strict=True)
    ]
    expected[1] = "own"
    assert place_ids(table, 2).to_pylist() == expected


def test_numbers_and_times_are_shown_as_spark_shows_them() -> None:
    shown = {0.0: "0.0", 0.5: "0.5", 10.0: "10.0", 9999999.0: "9999999.0"}
    shown |= {1e7: "1.0E7", 12345678.9: "1.23456789E7", -1e-5: "-1.0E-5", 1.5e300: "1.5E300"}
    assert {value: told_number(value) for value in shown} == shown
    assert told_time(0) == "1970-01-01 00:00:00"
    assert told_time(-1) == "1969-12-31 23:59:59.999999"
    assert told_time(250_000) == "1970-01-01 00:00:00.25"


def test_records_are_json_without_nulls() -> None:
    columns = {"user": pa.array(['a"\\\x01\n', None]), "item": pa.array(["é/", "i"])}
    assert json_records(columns).to_pylist() == [
        '{"user":"a\\"\\\\\\u0001\\n","item":"é/"}',
        '{"item":"i"}',
    ]
