"""Judging of raw events: expected values are derived by hand from the rules."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from oracles.raw_files import json_records
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import ConfigError
from pipelines.interactions import cleaning, times
from pipelines.interactions.config import CleanEventsConfig, EventColumns, EventSettings
from pipelines.interactions.parsing import event_fields
from pipelines.sources.names import NOTES, PROBLEMS
from pipelines.sources.records import count_records
from pipelines.sources.request import Request
from schemas import EVENTS, REJECTED_EVENTS

Row = tuple[str, str | None]  # record, problem


def config(**settings: Any) -> CleanEventsConfig:
    tree = {"inputs": {"events": "in"}, "outputs": {"events": "out"}, **settings}
    return CleanEventsConfig.model_validate_json(json.dumps(tree))


def raw(spark: SparkSession, rows: list[Row], settings: EventSettings) -> DataFrame:
    return json_records(spark, rows, Request(tuple(event_fields(settings)), settings))


def event(**fields: Any) -> Row:
    return json.dumps({"user": "u", "item": "i", "time": 0, **fields}), None


def judged(spark: SparkSession, rows: list[Row], **settings: Any) -> list[dict[str, Any]]:
    wanted = config(**settings)
    alone = cleaning.judge_events(raw(spark, rows, wanted), wanted)
    result = cleaning.judge_repetitions(alone, wanted, has_ids=True)
    return [row.asDict() for row in result.orderBy("position").collect()]


def rules(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[reason["rule"] for reason in row["reasons"]] for row in rows]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


BERLIN_WINTER = utc(2024, 1, 31, 9, 0)
INSTANTS = [
    # text, time_format, time_zone, expected
    ("0", None, "UTC", utc(1970, 1, 1)),
    ("-1", None, "UTC", utc(1969, 12, 31, 23, 59, 59)),
    ("1700000000", None, "Europe/Berlin", utc(2023, 11, 14, 22, 13, 20)),
    ("1700000000.25", None, "UTC", utc(2023, 11, 14, 22, 13, 20, 250000)),
    ("1.70000000025E9", None, "UTC", utc(2023, 11, 14, 22, 13, 20, 250000)),
    ("1700000000250", None, "UTC", utc(2023, 11, 14, 22, 13, 20, 250000)),
    ("1700000000250001", None, "UTC", utc(2023, 11, 14, 22, 13, 20, 250001)),
    ("1700000000250001999", None, "UTC", utc(2023, 11, 14, 22, 13, 20, 250001)),
    ("99999999999", None, "UTC", utc(5138, 11, 16, 9, 46, 39)),
    ("100000000000", None, "UTC", utc(1973, 3, 3, 9, 46, 40)),
    ("1" + "0" * 20, None, "UTC", utc(5138, 11, 16, 9, 46, 40)),
    ("1" + "0" * 21, None, "UTC", None),
    ("1e40", None, "UTC", None),
    ("2024-01-31", None, "UTC", utc(2024, 1, 31)),
    ("2024-01-31", None, "+02:00", utc(2024, 1, 30, 22)),
    ("2024-01-31T10:00", None, "Europe/Berlin", BERLIN_WINTER),
    ("2024-01-31 10:00:00", None, "Europe/Berlin", BERLIN_WINTER),
    ("2024-07-31 10:00:00.5", None, "Europe/Berlin", utc(2024, 7, 31, 8, 0, 0, 500000)),
    ("2024-01-31T10:00:00+01:00", None, "Asia/Tokyo", BERLIN_WINTER),
    ("2024-01-31T09:00:00.000Z", None, "Asia/Tokyo", BERLIN_WINTER),
    ("2024-01-31 10:00:00 Europe/Berlin", None, "UTC", BERLIN_WINTER),
    ("10:00:00", None, "UTC", None),
    ("2024-02-30", None, "UTC", None),
    ("31/01/2024", None, "UTC", None),
    ("soon", None, "UTC", None),
    (None, None, "UTC", None),
    ("31/01/2024 10:00", "dd/MM/yyyy HH:mm", "Europe/Berlin", BERLIN_WINTER),
    ("31/01/2024 10:00 +0100", "dd/MM/yyyy HH:mm Z", "Asia/Tokyo", BERLIN_WINTER),
    ("2024-01-31Z10", "yyyy-MM-dd'Z'HH", "Europe/Berlin", BERLIN_WINTER),
    ("2024-01-31", "dd/MM/yyyy", "UTC", None),
]


def test_times_are_read_as_logs_write_them(spark: SparkSession) -> None:
    rows = [(n, text, pattern, zone) for n, (text, pattern, zone, _) in enumerate(INSTANTS)]
    frame = spark.createDataFrame(rows, "n int, text string, pattern string, zone string")
    kinds = sorted({(pattern or "", zone) for _, _, pattern, zone in rows})
    read = F.coalesce(
        *(
            F.when(
                (F.coalesce("pattern", F.lit("")) == pattern) & (F.col("zone") == zone),
                times.parse_time(F.col("text"), time_format=pattern or None, time_zone=zone),
            )
            for pattern, zone in kinds
        )
    )
    found = {
        row["n"]: row["micros"]
        for row in frame.select("n", F.unix_micros(read).alias("micros")).collect()
    }
    epoch = utc(1970, 1, 1)
    for n, (text, pattern, zone, expected) in enumerate(INSTANTS):
        seconds = None if expected is None else (expected - epoch)
        micros = None if seconds is None else round(seconds.total_seconds() * 10**6)
        assert found[n] == micros, (text, pattern, zone)


@pytest.mark.parametrize(
    ("time_format", "time_zone", "key"),
    [
        ("YYYY", "UTC", "time_format"),
        ("yyyy-MM-dd q!{", "UTC", "time_format"),
        (None, "Europe/Nowhere", "time_zone"),
    ],
)
def test_unknown_pattern_or_zone_is_refused(
    spark: SparkSession, time_format: str | None, time_zone: str, key: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        times.check_time_settings(
            spark, EventSettings(time_format=time_format, time_zone=time_zone)
        )


def test_known_pattern_and_zone_pass(spark: SparkSession) -> None:
    known = EventSettings(time_format="dd/MMM/yyyy:HH:mm:ss Z", time_zone="+02:00")
    times.check_time_settings(spark, known)


def test_a_sound_event_keeps_its_values(spark: SparkSession) -> None:
    rows = [
        event(user="ü ", item=7, time="2024-01-31", event_type="buy", value=2.5, event_id="e"),
        event(event_type="", value="", event_id=" "),
    ]
    first, second = judged(spark, rows)
    assert rules([first, second]) == [[], []]
    assert (first["event_id"], first["user"], first["item"]) == ("e", "ü ", "7")
    assert (first["event_type"], first["value"], first["source"]) == ("buy", 2.5, "log")
    assert first["time"].astimezone(UTC) == utc(2024, 1, 31)
    # md5 of source, U+0001 and position, from coreutils: printf 'log\0011' | md5sum
    assert second["event_id"] == "7086dd33e025b5a0c56c08aa6eef197e"
    assert (second["event_type"], second["value"]) == ("event", None)


BROKEN: list[tuple[Row, list[str]]] = [
    (("not json", None), ["valid_json"]),
    (('{"user": "u"', None), ["valid_json"]),
    (('["u", "i"]', None), ["valid_json"]),
    (('{"user": "u"} {"user": "v"}', None), ["valid_json"]),
    (('{"user": "u"} rubbish', None), ["valid_json"]),
    (('{"user": "u"},{"user": "v"}', None), ["valid_json"]),
    (("null", None), ["valid_json"]),
    (('["u"]', "column_count"), ["column_count"]),
    ((event()[0], "valid_utf8"), ["valid_utf8"]),
    (("{}", None), ["has_user", "has_item", "has_time"]),
    (event(user=" ", item=None, time=""), ["has_user", "has_item", "has_time"]),
    (event(time="soon", value="many"), ["valid_time", "valid_value"]),
    (event(value="NaN"), ["valid_value"]),
    (event(value="-Infinity"), ["valid_value"]),
    (event(user=["u"]), ["scalar_value"]),
    (event(value=0.5), ["min_value"]),
    (event(value=5.5), ["max_value"]),
    (event(time=-1), ["earliest_time"]),
    (event(time="2024-01-01T00:00:00.5Z"), ["latest_time"]),
    (event(event_type="hover", time=-1, value=9), ["earliest_time", "event_type", "max_value"]),
]
BOUNDS = {
    "min_value": 1,
    "max_value": 5,
    "event_types": ["event", "buy"],
    "earliest_time": "1970-01-01",
    "latest_time": "2024-01-01",
    "duplicate_window_seconds": None,
}


def test_every_reason_is_kept(spark: SparkSession) -> None:
    found = judged(spark, [row for row, _ in BROKEN], **BOUNDS)
    assert rules(found) == [expected for _, expected in BROKEN]
    refused = [n for n, row in enumerate(found) if row["reasons"][0]["rule"] in PROBLEMS]
    assert [found[n]["record"] for n in refused] == [BROKEN[n][0][0] for n in refused]
    fields = json.loads(found[-1]["record"])  # what is refused for its values is shown by fields
    assert fields == {"user": "u", "item": "i", "time": "-1", "event_type": "hover", "value": "9"}


def test_reasons_bear_value_and_threshold(spark: SparkSession) -> None:
    row = event(event_type="hover", time=-1, value=9)
    (found,) = judged(spark, [row], **BOUNDS)
    assert [tuple(reason) for reason in found["reasons"]] == [
        ("earliest_time", "1969-12-31 23:59:59", ">= 1970-01-01T00:00:00+00:00"),
        ("event_type", "hover", "one of event, buy"),
        ("max_value", "9.0", "<= 5"),
    ]


def test_bounds_are_inclusive(spark: SparkSession) -> None:
    rows = [event(value=1, event_type="buy"), event(value=5, time="2024-01-01")]
    assert rules(judged(spark, rows, **BOUNDS)) == [[], []]


def test_the_first_sound_bearer_keeps_a_given_id(spark: SparkSession) -> None:
    rows = [
        event(event_id="e", time="soon"),
        event(event_id="e"),
        event(event_id="e", item="j"),
        event(event_id="e", item="k", time="soon"),
    ]
    found = judged(spark, rows)
    assert rules(found) == [
        ["valid_time", "unique_event_id"],
        [],
        ["unique_event_id"],
        ["valid_time", "unique_event_id"],
    ]
    assert found[1]["event_id"] == "e"
    assert len({row["event_id"] for row in found}) == 4


@pytest.mark.parametrize(
    ("window", "expected"),
    [(None, [0, 0, 0, 0]), (0, [0, 1, 0, 0]), (10, [0, 1, 1, 0]), (11, [0, 1, 1, 1])],
)
def test_duplicates_follow_the_previous_identical_event(
    spark: SparkSession, window: float | None, expected: list[int]
) -> None:
    rows = [event(time=second) for second in (100, 100, 110, 121)]
    others = [
        event(time=100, user="v"),
        event(time=100, item="j"),
        event(time=100, value=1),
        event(time=100, event_type="buy"),
    ]
    found = judged(spark, rows + others, duplicate_window_seconds=window)
    assert rules(found) == [["duplicate_event"] * n for n in [*expected, 0, 0, 0, 0]]


def test_a_rejected_event_makes_no_duplicate(spark: SparkSession) -> None:
    found = judged(spark, [(event()[0], "valid_utf8"), event(), event()])
    assert rules(found) == [["valid_utf8"], [], ["duplicate_event"]]
    assert tuple(found[2]["reasons"][0]) == ("duplicate_event", "0.0", "> 0 s after the previous")


def test_bots_are_rejected_whole_by_what_is_left_of_them(spark: SparkSession) -> None:
    rows = [
        event(user=user, item=str(n))
        for user, n in [("bot", 1), ("bot", 2), ("bot", 3), ("man", 1), ("man", 2), ("man", 2)]
    ]
    found = judged(spark, rows, max_events_per_user=2)
    assert rules(found) == [["max_events_per_user"]] * 3 + [[], [], ["duplicate_event"]]
    assert tuple(found[0]["reasons"][0]) == ("max_events_per_user", "3", "<= 2")


def test_split_has_each_row_once_in_the_contracts_columns(spark: SparkSession) -> None:
    records = raw(spark, [event(), ("x", None), ("y", None)], config())
    counts = dict.fromkeys(NOTES, 0) | {"records": 3, "broken": 0, "event_id": 0, "no_column": 0}
    assert count_records(records, "event_id", "no_column") == counts
    parts = cleaning.split_events(cleaning.judge_events(records, config()))
    assert parts["events"].columns == EVENTS.column_names
    assert parts["rejected_events"].columns == REJECTED_EVENTS.column_names
    assert not [*EVENTS.differences(parts["events"].schema)]
    assert not [*REJECTED_EVENTS.differences(parts["rejected_events"].schema)]
    assert {name: part.count() for name, part in parts.items()} == {
        "events": 1,
        "rejected_events": 2,
    }
    [span] = parts["events"].agg(*cleaning.time_span()).collect()
    epoch = {"first_time": "1970-01-01 00:00:00", "last_time": "1970-01-01 00:00:00"}
    assert span.asDict() == epoch


def test_optional_columns_may_be_missing_where_their_names_are_the_defaults() -> None:
    columns = EventColumns(user="customer", event_type="kind", event_id=None)
    fields = {field.name: field for field in event_fields(EventSettings(columns=columns))}
    required = {name for name, field in fields.items() if field.is_required}
    assert required == {"user", "item", "time", "event_type"}
    assert fields["user"].path == "customer"
    assert fields["user"].setting == "columns.user"
    assert "event_id" not in fields


def test_bounds_of_time_are_utc_unless_they_say_otherwise() -> None:
    assert config(earliest_time="2024-01-01").earliest_time == utc(2024, 1, 1)
    zoned = config(latest_time="2024-01-01T02:00:00+02:00").latest_time
    assert zoned == utc(2024, 1, 1)
    with pytest.raises(ValidationError, match="earliest_time"):
        config(earliest_time="soon")
