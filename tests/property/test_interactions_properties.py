"""Whatever the events: none is lost, partitions do not matter, and ids are stable."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracles.raw_files import json_records
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.interactions import building, cleaning, identities, pairs
from pipelines.interactions.config import BuildInteractionsConfig, CleanEventsConfig
from pipelines.interactions.parsing import event_fields
from pipelines.sources.names import PROBLEMS
from pipelines.sources.request import Request
from schemas import EVENTS

FEW = settings(
    max_examples=2,
    phases=[Phase.explicit, Phase.generate],  # shrinking would run Spark for an hour
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
START = datetime(2024, 1, 1, tzinfo=UTC)

FIELD = (
    st.none()
    | st.integers(-3, 3)
    | st.sampled_from(
        ["", " ", "a", "1970-01-01", "1970-01-01T00:00:02Z", "NaN", "soon", "\u2028", "1e30"]
    )
)
NAMES = ("user", "item", "time", "event_type", "value", "event_id")
OBJECT = st.dictionaries(st.sampled_from(NAMES), FIELD).map(json.dumps)
SOUND = st.fixed_dictionaries(
    {"user": st.sampled_from("abc"), "item": st.sampled_from("xy"), "time": st.integers(0, 4)},
    optional={"value": st.integers(0, 2), "event_id": st.sampled_from("pqr")},
).map(json.dumps)
RECORD = st.tuples(
    st.sampled_from(["one", "two"]),
    st.one_of(SOUND, SOUND, OBJECT, st.text(max_size=5)),
    st.sampled_from([None, None, None, "valid_utf8", "column_count"]),
)
EVENT = st.tuples(
    st.sampled_from("abcd"),
    st.sampled_from("wxyz"),
    st.integers(0, 40),
    st.sampled_from(["view", "buy", "drop"]),
    st.floats(0.01, 9),
)
BUILD = st.fixed_dictionaries(
    {
        "valid_share": st.sampled_from([0, 0.1, 0.3]),
        "test_share": st.sampled_from([0, 0.2]),
        "half_life_days": st.sampled_from([None, 0.0001]),
        "use_value_as_weight": st.booleans(),
        "max_session_length": st.sampled_from([2, 5]),
        "session_gap_seconds": st.sampled_from([1, 9]),
    }
)


def rows_of(frame: DataFrame) -> list[str]:
    return sorted(str(row) for row in frame.collect())


@FEW
@given(st.lists(RECORD, min_size=20, max_size=60))
def test_every_record_is_an_event_or_rejected(
    spark: SparkSession, records: list[tuple[str, str, str | None]]
) -> None:
    config = CleanEventsConfig.model_validate(
        {
            "inputs": {"events": "in"},
            "outputs": {"events": "out"},
            "min_value": 0.0,
            "duplicate_window_seconds": 1.0,
            "max_events_per_user": 3,
        }
    )
    request = Request(tuple(event_fields(config)), config)
    raw = json_records(spark, [tuple(rest) for _, *rest in records], request)
    sources = F.array(*(F.lit(source) for source, *_ in records))
    raw = raw.withColumn("source", F.get(sources, F.col("position").cast("int")))
    found = []
    for parts in (1, 7):
        alone = cleaning.judge_events(raw.repartition(parts), config)
        judged = cleaning.judge_repetitions(alone, config, has_ids=True).persist()
        split = cleaning.split_events(judged)
        found.append({name: part.collect() for name, part in split.items()})
        judged.unpersist()
    events, rejected = found[0]["events"], found[0]["rejected_events"]
    assert {name: sorted(map(str, part)) for name, part in found[0].items()} == {
        name: sorted(map(str, part)) for name, part in found[1].items()
    }
    assert len(events) + len(rejected) == len(records)
    assert sorted(row["position"] for row in rejected) == sorted(
        set(range(len(records))) - set(kept_places(records, rejected))
    )
    assert len({row["event_id"] for row in events}) == len(events)
    assert len({row["event_id"] for row in rejected}) == len(rejected)
    assert all(row["reasons"] for row in rejected)
    assert all(None not in (row["user"], row["item"], row["time"]) for row in events)


def kept_places(records: list[Any], rejected: list[Any]) -> Iterator[int]:
    lost = {row["position"]: row for row in rejected}
    for place, (source, record, _) in enumerate(records):
        if place not in lost:
            yield place
        else:
            assert lost[place]["source"] == source
            is_raw = lost[place]["reasons"][0]["rule"] in PROBLEMS
            fields = None if is_raw else json.loads(lost[place]["record"])
            assert lost[place]["record"] == record if is_raw else isinstance(fields, dict)


def build(events: DataFrame, config: BuildInteractionsConfig) -> dict[str, list[str]]:
    weighed, survey = building.weigh(events, config)
    split, train_end = building.split(weighed, survey, config)
    found = building.pair(split, train_end, config)
    train = pairs.training_pairs(found)
    core = building.core(train, config)
    ids = {
        entity: identities.assign_ids(
            identities.count_training_events(core, entity=entity), known=None
        )
        for entity in ("user", "item")
    }
    users, items = (identities.training_keys(train, ids[e], entity=e) for e in ("user", "item"))
    labelled = pairs.label_pairs(found, users=users, items=items)
    kept, rejected = pairs.count_events(labelled)
    pairs.require_balance(survey.events, kept, survey.rejected | rejected)
    assert survey.events == events.count()
    cut = building.session(split, users, items, config).collect()
    in_train = train.groupBy().sum("count").collect()[0][0]
    lengths = [len(row["token_ids"]) for row in cut]
    assert sum(lengths) == in_train
    assert max(lengths) <= config.max_session_length
    return {
        "interactions": rows_of(pairs.select_interactions(labelled)),
        "sessions": sorted(map(str, cut)),
        **{name: rows_of(ids[name]) for name in ids},
    }


@pytest.mark.slow
@FEW
@given(st.lists(EVENT, min_size=25, max_size=60), BUILD)
def test_no_event_is_lost_and_partitions_do_not_matter(
    spark: SparkSession, events: list[Any], chosen: dict[str, Any]
) -> None:
    tree = {
        "inputs": {"events": "in"},
        "outputs": {"interactions": "out"},
        "event_weights": {"buy": 2.5, "drop": 0},
        **chosen,
    }
    config = BuildInteractionsConfig.model_validate_json(json.dumps(tree))
    rows = [
        (f"{n:03}", user, item, kind, value, START + timedelta(seconds=second), "log")
        for n, (user, item, second, kind, value) in enumerate(events)
    ]
    rows.append(("last", "a", "w", "view", 1.0, START, "log"))  # at least one counts
    table = spark.createDataFrame(rows, EVENTS.schema())
    assert build(table.repartition(1), config) == build(table.repartition(7), config)


@FEW
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 3), max_size=6),
        min_size=1,
        max_size=3,
    )
)
def test_ids_are_dense_stable_and_the_same_when_run_again(
    spark: SparkSession, runs: list[dict[str, int]]
) -> None:
    known, before = None, {}
    for counts in runs:
        frame = spark.createDataFrame(sorted(counts.items()), "key string, count long")
        once = identities.assign_ids(frame, known=known)
        rows = once.collect()
        elsewhere = identities.assign_ids(frame.repartition(7), known=known)
        assert rows_of(elsewhere) == sorted(map(str, rows))
        stored = spark.createDataFrame(rows, once.schema)
        again = identities.assign_ids(frame, known=stored)
        assert rows_of(again) == sorted(map(str, rows))
        ids = {row["key"]: row["id"] for row in rows}
        assert sorted(ids.values()) == list(range(len(ids)))
        assert {key: ids[key] for key in before} == before
        assert {row["key"]: row["count"] for row in rows if not row["is_retired"]} == counts
        known, before = stored, ids
