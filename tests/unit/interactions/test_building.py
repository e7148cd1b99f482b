"""From events to interactions: expected values are derived by hand or with numpy."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from pipelines.errors import GateError, InputError, VectormillError
from pipelines.interactions import building, identities, k_core, pairs, sessions, weighing
from pipelines.interactions.config import BuildInteractionsConfig
from schemas import EVENTS

START = datetime(2024, 1, 1, tzinfo=UTC)
MICROS = int(START.timestamp()) * 10**6
Event = tuple[str, str, float, str, float | None]  # user, item, seconds, type, value


def config(**settings: Any) -> BuildInteractionsConfig:
    tree = {"inputs": {"events": "in"}, "outputs": {"interactions": "out"}, **settings}
    return BuildInteractionsConfig.model_validate_json(json.dumps(tree))


def table(spark: SparkSession, events: list[Event]) -> DataFrame:
    rows = [
        (f"{n:04}", user, item, kind, value, START + timedelta(seconds=seconds), "log")
        for n, (user, item, seconds, kind, value) in enumerate(events)
    ]
    return spark.createDataFrame(rows[::-1], EVENTS.schema())  # order must not matter


def views(*events: tuple[str, str, float]) -> list[Event]:
    return [(user, item, seconds, "view", None) for user, item, seconds in events]


def weights(spark: SparkSession, events: list[Event], **settings: Any) -> list[tuple[Any, Any]]:
    weighed, _ = building.weigh(table(spark, events), config(**settings))
    rows = weighed.orderBy("event_id").select("weight", "reason").collect()
    return [(row["weight"], row["reason"]) for row in rows]


def test_an_event_weighs_what_its_type_and_value_say(spark: SparkSession) -> None:
    events: list[Event] = [
        ("u", "i", 0, "view", 2.0),
        ("u", "i", 0, "buy", 0.5),
        ("u", "i", 0, "return", 1.0),
        ("u", "i", 0, "buy", None),
        ("u", "i", 0, "view", -1.0),
    ]
    own = {"buy": 5, "return": 0}
    assert weights(spark, events, event_weights=own, unlisted_event_weight=0.5) == [
        (0.5, None),
        (5, None),
        (0, "event_weight"),
        (5, None),
        (0.5, None),
    ]
    assert weights(spark, events, event_weights=own, use_value_as_weight=True) == [
        (2, None),
        (2.5, None),
        (0, "event_weight"),
        (None, "has_value"),
        (-1, "event_weight"),
    ]


def test_events_that_break_their_contract_have_a_reason_and_no_weight(spark: SparkSession) -> None:
    """A table of events that others wrote may hold what `clean_events` rejects."""
    good = table(spark, [("u", "i", 0, "view", 1e12)]).first()
    assert good is not None
    changes: dict[str, dict[str, Any]] = {
        "has_user": {"user": None, "item": " "},
        "has_item": {"item": " ", "time": None},
        "has_time": {"time": None},
        "has_value": {"value": None},
    }
    large = [{"value": value} for value in (float("nan"), float("inf"), 1e300, 1.1e12)]
    rows = [
        tuple((good.asDict() | change | {"event_id": f"{n}"}).values())
        for n, change in enumerate(({}, *changes.values(), *large))
    ]
    nullable = StructType([StructField(f.name, f.dataType) for f in EVENTS.schema()])
    events = spark.createDataFrame(rows, nullable)
    weighed, survey = building.weigh(events, config(use_value_as_weight=True))
    reasons = [row["reason"] for row in weighed.orderBy("event_id").collect()]
    assert reasons == [None, *changes, *["event_weight"] * len(large)]
    assert (survey.kept, sum(survey.rejected.values())) == (1, 8)


def test_survey_counts_reasons_and_names_types_nobody_has(spark: SparkSession) -> None:
    events: list[Event] = [
        ("u", "i", second, kind, None)
        for second, kind in [(5, "view"), (1, "return"), (7, "buy"), (3, "view"), (9, "return")]
    ]
    _, survey = building.weigh(
        table(spark, events), config(event_weights={"return": 0, "buy": 3, "buyy": 3})
    )
    assert (survey.events, survey.kept, survey.rejected) == (5, 3, {"event_weight": 2})
    assert (survey.first, survey.last) == (MICROS + 3_000_000, MICROS + 7_000_000)
    assert survey.lines == ["event_weights: no event is of type 'buyy'"]


@pytest.mark.parametrize("events", [[], [("u", "i", 0, "return", None)]])
def test_no_events_to_build_from_is_an_error(spark: SparkSession, events: list[Event]) -> None:
    with pytest.raises(InputError, match="no events to build from"):
        building.weigh(table(spark, events), config(event_weights={"return": 0}))


def test_cut_times_are_exact_order_statistics(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "_BUCKETS", 40)  # several rounds of narrowing
    random = np.random.default_rng(5)
    times = random.integers(0, 10**9, 400) ** 2
    times[50:120] = times[50]
    rows = [(int(time), None) for time in times] + [(0, "event_weight")] * 100
    weighed = spark.createDataFrame(rows, "micros long, reason string")
    survey = weighing.EventsSurvey(500, 400, int(times.min()), int(times.max()), {}, [])
    ordered = np.sort(times)
    for valid, test in ((0.1, 0.2), (0.0, 0.3), (0.25, 0.0), (0.0, 0.0)):
        found = weighing.cut_times(weighed, survey, valid_share=valid, test_share=test)
        last_train = 400 - round(400 * (valid + test)) - 1
        assert found == (ordered[last_train], ordered[400 - round(400 * test) - 1])


def test_shares_are_taken_as_they_are_written(spark: SparkSession) -> None:
    # 10 * (0.1 + 0.2) is 3.0000000000000004 in binary and would cut at the same place;
    # 10 * (0.7 + 0.1) is 7.999999999999999 and would not
    events = table(spark, views(*(("u", "i", second) for second in range(10))))
    weighed, survey = building.weigh(events, config())
    found = weighing.cut_times(weighed, survey, valid_share=0.7, test_share=0.1)
    assert found == (MICROS + 1_000_000, MICROS + 8_000_000)


def test_ties_go_to_the_earlier_part(spark: SparkSession) -> None:
    seconds = [0, 1, 1, 1, 2, 3, 3, 4, 4, 4]
    wanted = config(valid_share=0.3, test_share=0.4)
    weighed, survey = building.weigh(
        table(spark, views(*(("u", "i", second) for second in seconds))), wanted
    )
    events, train_end = building.split(weighed, survey, wanted)
    parts = [row["split"] for row in events.orderBy("event_id").collect()]
    assert train_end == MICROS + 1_000_000
    assert parts == ["train"] * 4 + ["valid"] * 3 + ["test"] * 3


def split(spark: SparkSession, rows: list[tuple[str, str, int, float, str]]) -> DataFrame:
    return spark.createDataFrame(
        rows, "user string, item string, micros long, weight double, split string"
    )


def test_a_pair_belongs_to_the_part_in_which_it_first_occurs(spark: SparkSession) -> None:
    rows = [
        ("u", "i", 1, 1.5, "train"),
        ("u", "i", 3, 2.0, "train"),
        ("u", "i", 9, 4.0, "test"),
        ("u", "j", 7, 1.0, "valid"),
        ("u", "j", 9, 1.0, "test"),
        ("u", "j", 8, 2.0, "valid"),
        ("v", "i", 9, 0.25, "test"),
    ]
    found = pairs.aggregate_pairs(
        split(spark, rows), train_end=5, half_life_days=None, max_weight=3.25
    )
    micros = [F.unix_micros(name) for name in ("first_time", "last_time")]
    columns = ["user", "item", "split", "weight", "count", "later_count", *micros]
    assert [tuple(row) for row in found.select(*columns).orderBy("user", "item").collect()] == [
        ("u", "i", "train", 3.25, 2, 1, 1, 3),
        ("u", "j", "valid", 3.0, 2, 1, 7, 8),
        ("v", "i", "test", 0.25, 1, 0, 9, 9),
    ]


def test_weights_halve_until_the_last_training_time(spark: SparkSession) -> None:
    day, ages = 86_400_000_000, [0.0, 1.0, 2.5, 300.0, 9000.0]
    rows = [("u", str(age), int((9000 - age) * day), 3.0, "train") for age in ages]
    rows.append(("u", "after", 9001 * day, 3.0, "test"))
    found = pairs.aggregate_pairs(
        split(spark, rows), train_end=9000 * day, half_life_days=30, max_weight=None
    )
    weighed = {row["item"]: row["weight"] for row in found.collect()}
    for age in ages[:4]:
        assert weighed[str(age)] == pytest.approx(3 * 0.5 ** (age / 30), rel=1e-6)
    assert weighed["after"] == 3
    assert weighed["9000.0"] == np.float32(2**-40)  # never nothing


def summed(spark: SparkSession, values: list[float]) -> float:
    rows = [("u", "i", n, value, "train") for n, value in enumerate(values)]
    found = pairs.aggregate_pairs(
        split(spark, rows).coalesce(1), train_end=0, half_life_days=None, max_weight=None
    )
    return float(found.collect()[0]["weight"])


def test_sums_of_weights_do_not_depend_on_order(spark: SparkSession) -> None:
    values = (np.random.default_rng(2).pareto(0.5, 2000) + 0.1).tolist()
    assert summed(spark, values) == float(np.float32(math.fsum(values)))
    # in doubles, ten small ones after the one end above the middle of two floats, before it on it
    small = [0.1 * 2**-24] * 10
    assert summed(spark, [1.0, *small]) == summed(spark, [*small, 1.0])


def brute_core(edges: set[tuple[str, str]], users: int, items: int) -> set[tuple[str, str]]:
    """Remove one short node at a time until none is short."""
    while True:
        short = next(
            (
                (side, edge[side])
                for edge in edges
                for side, least in ((0, users), (1, items))
                if sum(other[side] == edge[side] for other in edges) < least
            ),
            None,
        )
        if short is None:
            return edges
        edges = {edge for edge in edges if edge[short[0]] != short[1]}


@pytest.mark.parametrize("one_task_pairs", [0, 60, 1000], ids=["rounds", "both", "one task"])
def test_the_core_is_that_of_removing_one_at_a_time(
    spark: SparkSession, one_task_pairs: int
) -> None:
    random = np.random.default_rng(11)
    edges = {(f"u{u}", f"i{i}") for u, i in random.integers(0, 14, (70, 2))}
    chain = {(f"c{n}", f"d{m}") for n in range(4) for m in (n, n + 1)}  # falls from both ends
    expected = brute_core(edges | chain, 3, 2)
    assert expected
    assert len(expected) < len(edges)
    train = spark.createDataFrame(
        [(*edge, 9) for edge in sorted(edges | chain)], "user string, item string, count long"
    )
    found = k_core.keep_core(train, min_user=3, min_item=2, one_task_pairs=one_task_pairs)
    assert {tuple(row) for row in found.select("user", "item").collect()} == expected


def test_a_core_of_nothing_stops_the_job(spark: SparkSession) -> None:
    train = spark.createDataFrame([("u", "i", 4)], "user string, item string, count long")
    assert k_core.keep_core(train, min_user=1, min_item=1).collect() == [("u", "i", 4)]
    with pytest.raises(GateError, match=r"min_user_interactions: 2 .* leave no training pairs"):
        k_core.keep_core(train, min_user=2, min_item=1)


def test_rounds_without_end_stop_the_job(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k_core, "_MAX_ROUNDS", 1)
    rows = [("u", "i", 1), ("u", "j", 1), ("v", "i", 1), ("v", "j", 1), ("w", "i", 1)]
    train = spark.createDataFrame(rows, "user string, item string, count long")
    with pytest.raises(GateError, match="not settled after 1 rounds"):
        k_core.keep_core(train, min_user=2, min_item=2, one_task_pairs=0)


def test_pairs_left_out_say_why(spark: SparkSession) -> None:
    found = spark.createDataFrame(
        [("u", "i", 2, 1), ("u", "j", 3, 0), ("w", "i", 5, 2), ("u", "k", 7, 0), ("x", "k", 11, 0)],
        "user string, item string, count long, later_count long",
    )
    users = spark.createDataFrame([("u", 0), ("w", None)], "user string, user_id int")
    items = spark.createDataFrame([("i", 0), ("j", 1)], "item string, item_id int")
    labelled = pairs.label_pairs(found, users=users, items=items)
    assert pairs.count_events(labelled) == (
        5,
        {"k_core": 7, "not_in_train": 18, "repeated_pair": 1},
    )
    pairs.require_balance(31, 5, {"k_core": 7, "not_in_train": 18, "repeated_pair": 1})
    with pytest.raises(VectormillError, match="lost or made up: 32 in"):
        pairs.require_balance(32, 5, {"k_core": 26})


def numbered(ids: DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ids.orderBy("id").collect()]


def test_ids_are_kept_appended_and_retired_but_never_reused(spark: SparkSession) -> None:
    def counts(**given: int) -> DataFrame:
        return spark.createDataFrame(sorted(given.items()), "key string, count long")

    first = identities.assign_ids(counts(b=2, a=2, c=5), known=None)
    assert numbered(first) == [(0, "c", 5, False), (1, "a", 2, False), (2, "b", 2, False)]
    second = identities.assign_ids(counts(a=1, d=1, e=9), known=first)
    assert numbered(second) == [
        (0, "c", 0, True),
        (1, "a", 1, False),
        (2, "b", 0, True),
        (3, "e", 9, False),
        (4, "d", 1, False),
    ]
    third = identities.assign_ids(counts(c=1), known=second)
    assert [row[3] for row in numbered(third)] == [False, True, True, True, True]
    again = identities.assign_ids(counts(a=1, d=1, e=9), known=second)
    assert numbered(again) == numbered(second)
    assert identities.content_version(again) == identities.content_version(second)
    assert identities.content_version(second) != identities.content_version(
        identities.assign_ids(counts(a=1, d=1, e=9), known=None)
    )


def cut(spark: SparkSession, events: list[Event], **settings: float) -> dict[str, list[int]]:
    weighed, _ = building.weigh(table(spark, events), config())
    rows = weighed.withColumn("split", F.when(F.col("item") == "later", "test").otherwise("train"))
    users = spark.createDataFrame([("u", 0), ("v", 1), ("gone", None)], "user string, user_id int")
    items = spark.createDataFrame(
        [("a", 7), ("b", 8), ("c", 9), ("gone", None), ("later", 5)], "item string, item_id int"
    )
    wanted = {"gap_seconds": 60, "max_length": 3, **settings}
    found = sessions.cut_sessions(rows, users=users, items=items, **wanted)
    assert all(row["sentence_id"].startswith(row["doc_id"] + ":") for row in found.collect())
    return {row["sentence_id"]: row["token_ids"] for row in found.collect()}


def test_sessions_end_at_long_pauses_and_when_full(spark: SparkSession) -> None:
    events = views(
        ("u", "a", 0),
        ("u", "b", 60),
        ("u", "b", 120.000001),
        ("u", "later", 130),
        ("u", "c", 130),
        ("u", "a", 130),
        ("u", "b", 135),
        ("gone", "a", 0),
        ("v", "c", 5),
        ("v", "gone", 50),
        ("v", "a", 100),
    )
    assert cut(spark, events[::-1]) == {
        "u:000000": [7, 8],
        "u:000001": [8, 7, 9],
        "u:000002": [8],
        "v:000000": [9],
        "v:000001": [7],
    }
    assert cut(spark, events)["u:000001"] == [8, 9, 7]  # at one time, by event_id


def test_short_sessions_are_told_apart(spark: SparkSession) -> None:
    wanted = config(min_session_length=2)
    weighed, _ = building.weigh(
        table(spark, views(("u", "a", 0), ("u", "a", 1), ("v", "a", 0))), wanted
    )
    events = weighed.withColumn("split", F.lit("train"))
    users = spark.createDataFrame([("u", 0), ("v", 1)], "user string, user_id int")
    items = spark.createDataFrame([("a", 7)], "item string, item_id int")
    cut = building.session(events, users, items, wanted)
    assert cut.count() == 2
    kept = building.long_enough(cut, wanted)
    assert [row["token_ids"] for row in kept.collect()] == [[7, 7]]


@pytest.mark.parametrize(
    "settings",
    [
        {"valid_share": 0.5, "test_share": 0.5},
        {"event_weights": {"view": -1}},
        {"min_session_length": 9, "max_session_length": 8},
        {"half_life_days": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**settings)
