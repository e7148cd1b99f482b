"""What the report takes from the tables: bounded, of published spaces, equal to plain counting."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.errors import InputError
from pipelines.report import gathering, report_data
from schemas import (
    EMBEDDING_SPACES,
    NEIGHBOURS,
    QUALITY_METRICS,
    RUN_COUNTS,
    TRAINING_HISTORY,
    VECTORS,
    VOCABULARY,
    Table,
)

Make = Callable[[list[tuple], Table], DataFrame]


@pytest.fixture(scope="module")
def make(spark: SparkSession) -> Make:
    return lambda rows, table: spark.createDataFrame(rows, table.schema())


def test_counts_stand_by_job_and_side(make: Make) -> None:
    rows = [
        ("b", "documents", "in", 9),
        ("b", "short", "rejected", 1),
        ("b", "long", "rejected", 4),
        ("b", "kept", "out", 9),
        ("a", "seconds", "measured", 7),
    ]
    first, second = report_data.count_rows(make(rows, RUN_COUNTS))
    assert (first.job, first.measured, first.is_balanced) == ("a", {"seconds": 7}, False)
    assert (second.rows_in, second.rows_out) == ({"documents": 9}, {"kept": 9})
    assert list(second.rejected.items()) == [("long", 4), ("short", 1)]
    assert second.is_balanced


def test_frequencies_are_those_of_the_sampled_ranks(make: Make) -> None:
    counts = [100_000 // (i + 1) for i in range(3_000)]
    rows = [(i, f"t{i}", count, 1) for i, count in enumerate(counts)]
    found = report_data.sample_frequencies(make(rows, VOCABULARY))
    assert found is not None
    assert (found.tokens, found.occurrences) == (3_000, sum(counts))
    assert (found.ranks[0], found.ranks[-1]) == (1, 3_000)
    assert 120 < len(found.ranks) <= 200
    assert list(found.counts) == [counts[rank - 1] for rank in found.ranks]


def test_an_empty_vocabulary_has_no_frequencies(make: Make) -> None:
    assert report_data.sample_frequencies(make([], VOCABULARY)) is None


def test_norms_are_counted_as_numpy_counts_them(make: Make) -> None:
    norms = np.random.default_rng(8).gamma(3, 1, 500).astype(np.float32)
    rows = [("a", "user", f"u{i}", [1.0], float(norm)) for i, norm in enumerate(norms)]
    rows += [
        ("a", "item", "i1", [1.0], 1.0),
        ("a", "item", "i2", [1.0], 1.0),
        ("a", "item", "i3", [1.0], float("nan")),
        ("b", "item", "i1", [0.0], float("inf")),
    ]
    alone, items, users = sorted(
        report_data.count_norms(make(rows, VECTORS)), key=lambda h: (-ord(h.space_id), h.entity)
    )
    expected, _ = np.histogram(norms.astype(np.float64), bins=200, range=(users.low, users.high))
    assert (users.low, users.high) == pytest.approx((norms.min(), norms.max()))
    assert np.abs(users.counts - expected).sum() <= 2  # a value on an edge may fall on either side
    assert users.rows == 500
    assert (items.counts.sum(), items.not_finite, items.rows) == (2, 1, 3)
    assert items.low < 1 < items.high
    assert (alone.rows, alone.not_finite) == (1, 1)


def test_the_map_has_the_most_frequent_words_in_order(make: Make) -> None:
    vocabulary = make([(29 - i, f"w{i}", 100 - i, 1) for i in range(30)], VOCABULARY)
    rows = [("a", "word", f"w{i}", [float(i), 1.0], 1.0) for i in reversed(range(30)) if i != 2]
    rows += [("a", "document", "w2", [9.0, 9.0], 1.0)]
    found = report_data.take_frequent(make(rows, VECTORS), vocabulary, words=5)
    assert found is not None
    assert found.words == ["w0", "w1", "w3", "w4"]
    assert found.vectors.tolist() == [[0, 1], [1, 1], [3, 1], [4, 1]]
    mixed = make([*rows, ("b", "word", "w2", [0.0, 1.0], 1.0)], VECTORS)
    with pytest.raises(InputError, match="mixes the spaces a, b"):
        report_data.take_frequent(mixed, vocabulary, words=5)


def test_lists_are_sampled_per_entity_and_cut(make: Make) -> None:
    long = [(f"n{i}", 1 - i / 100) for i in range(30)]
    rows = [("a", entity, f"{entity}{i}", long) for entity in ("item", "user") for i in range(20)]
    frame = make(rows, NEIGHBOURS)
    found = report_data.sample_lists(frame, "neighbours", sample_count=4, seed=1)
    assert [x.entity for x in found] == ["item"] * 4 + ["user"] * 4
    assert [key for key, _ in found[0].entries] == [f"n{i}" for i in range(10)]
    again = report_data.sample_lists(frame.repartition(3), "neighbours", sample_count=4, seed=1)
    other = report_data.sample_lists(frame, "neighbours", sample_count=4, seed=2)
    assert again == found
    assert other != found


def test_only_published_spaces_are_shown(make: Make) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    states = {"old": "superseded", "new": "published", "held": "publishing", "bad": "failed"}
    registry = [
        (i, "word", state, 2, "cosine", False, [], "{}", "{}", "c", "1", 1, 1, "0", None, now, now)
        for i, state in states.items()
    ]
    history = [(i, r, "loss", float(r)) for i in states for r in (2, 1)]
    checks = [
        (i, "v", "word", status, 1.0, None, status, None)
        for i in states
        for status in ("measured", "passed", "failed")
    ]
    frames = {
        "embedding_spaces": make(registry, EMBEDDING_SPACES),
        "training_history": make(history, TRAINING_HISTORY),
        "quality_metrics": make(checks, QUALITY_METRICS),
        "word_vectors": make([("held", "word", "w", [1.0, 0.0], 1.0)], VECTORS),
    }
    facts = gathering.gather(frames, map_words=10, sample_count=2, seed=1)
    assert [row["space_id"] for row in facts.spaces or []] == ["held", "new"]
    assert (facts.spaces or [])[0]["updated_at"] == "2026-01-02 03:04:05"
    assert facts.other_spaces == {"failed": 1, "superseded": 1}
    assert [(c.space_id, c.rounds) for c in facts.curves or []] == [
        ("held", [1, 2]),
        ("new", [1, 2]),
    ]
    assert [(m["space_id"], m["status"]) for m in facts.metrics or []] == [
        (i, s) for i in ("held", "new") for s in ("failed", "passed", "measured")
    ]
    assert facts.counts is None
    assert facts.word_map is None


def test_all_spaces_are_shown_where_none_is_known_as_published(make: Make) -> None:
    history = make([("a", 1, "loss", 1.0), ("b", 1, "loss", 1.0)], TRAINING_HISTORY)
    facts = gathering.gather({"training_history": history}, map_words=10, sample_count=2, seed=1)
    assert [c.space_id for c in facts.curves or []] == ["a", "b"]
