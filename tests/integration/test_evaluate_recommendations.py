"""`evaluate_recommendations` on four users whose lists are worked out by hand."""

from dataclasses import astuple
from datetime import UTC, datetime
from math import log2

import numpy as np
import pytest
from stored import read_rows, store

from jobs.evaluate_recommendations import run
from pipelines.errors import InputError
from pipelines.evaluation import bootstrap
from pipelines.evaluation.config import (
    EvaluateRecommendationsConfig,
    EvaluationOutputs,
    RecommendationInputs,
)
from pipelines.ranking.metrics import METRICS
from pipelines.spaces.registry import new_space
from schemas import QUALITY_METRICS, TABLES, VECTORS

ITEMS = {"a": [3.0, 0.0], "b": [2.0, 0.5], "c": [0.0, 2.0], "d": [0.0, 1.0]}
USERS = {"u0": [1.0, 0.0], "u1": [0.0, 1.0], "u2": [1.0, 0.0]}
TRAIN = [("u0", "a"), ("u1", "a"), ("u1", "d"), ("u2", "a"), ("u3", "b"), ("u9", "d")]
# after masking, k = 2: u0 gets b c, u1 gets c b, u2 gets b c; u3 has no vector
# popularity a 3, d 2, b 1, c 0: u0 gets d b, u1 gets b c, u2 gets d b, u3 gets a d
TEST = [("u0", "b"), ("u0", "d"), ("u0", "unseen"), ("u1", "b"), ("u2", "d"), ("u3", "a")]
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
EXPECTED = {
    "users": 4,
    "users_without_vector": 1,
    "held_out_pairs": 6,
    "recall_at_2": (1 / 3 + 1 + 0 + 0) / 4,
    "truncated_recall_at_2": (1 / 2 + 1 + 0 + 0) / 4,
    "ndcg_at_2": (1 / (1 + 1 / log2(3)) + 1 / log2(3)) / 4,
    "map_at_2": (1 / 2 + 1 / 2 + 0 + 0) / 4,
    "hit_rate_at_2": 2 / 4,
    "mrr_at_2": (1 + 1 / 2) / 4,
    "novelty_at_2": log2(6),  # of six training pairs b has one; c, that has none, counts as one
    "mean_popularity_at_2": 1,
    "catalogue_coverage_at_2": 2 / 4,
    "popularity_recall_at_2": (2 / 3 + 1 + 1 + 1) / 4,
    "popularity_truncated_recall_at_2": 1,
    "popularity_ndcg_at_2": 1,
    "popularity_map_at_2": 1,
    "popularity_hit_rate_at_2": 1,
    "popularity_mrr_at_2": 1,
    "popularity_novelty_at_2": (2 * (log2(3) + log2(6)) / 2 + log2(6) + (1 + log2(3)) / 2) / 4,
    "popularity_mean_popularity_at_2": (1.5 + 1 + 1.5 + 2.5) / 4,
    "popularity_catalogue_coverage_at_2": 1,
}


@pytest.fixture(scope="module")
def inputs(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged")
    numbers = {key: n for n, key in enumerate([*reversed(ITEMS), "unseen"])}
    users = {key: 10 - n for n, key in enumerate(["u0", "u1", "u2", "u3", "u9"])}
    metadata = {"input_versions": {}, "config_hash": "c", "vectormill": "0", "seed": 1}
    space = new_space(
        space_id="s",
        name="recommender",
        metric="dot",
        metadata=metadata,
        parameters={},
        measured={"dimension": 2, "row_count": 7, "checksum": "x"},
    )
    words = new_space(
        space_id="w",
        name="other",
        metric="dot",
        metadata=metadata,
        parameters={},
        measured={"dimension": 2, "row_count": 7, "checksum": "x"},
    )
    rows = {
        "vectors": [
            (one, entity, key, vector, 1.0)
            for one, entity, table in (
                ("s", "item", ITEMS),
                ("s", "user", USERS),
                ("w", "word", ITEMS),
            )
            for key, vector in table.items()
        ],
        "interactions": [
            (users[user], numbers[item], 1.0, 5, NOON, NOON, split)
            for split, pairs in (("train", TRAIN), ("test", TEST))
            for user, item in pairs
        ],
        "user_ids": [(n, key, 1, False) for key, n in users.items()],
        "item_ids": [(n, key, 1, False) for key, n in numbers.items()],
    }
    rows["embedding_spaces"] = [astuple(each) for each in (space, words)]
    return RecommendationInputs(
        **{n: store(content, TABLES[n], folder / n) for n, content in rows.items()}
    )


def evaluate(spark, inputs, folder, **settings):
    outputs = EvaluationOutputs(quality_metrics=str(folder / "quality_metrics"))
    result = run(
        spark,
        EvaluateRecommendationsConfig(inputs=inputs, outputs=outputs, format="parquet", **settings),
    )
    rows = read_rows(outputs.quality_metrics, QUALITY_METRICS)
    assert {(row["space_id"], row["job"], row["entity"], row["status"]) for row in rows} == {
        ("s", "evaluate_recommendations", "all", "measured")
    }
    return result, {row["metric"]: row["value"] for row in rows}


def check_intervals(folder):
    """Of the space's own ranking metrics the details have the ends of the resampled means."""
    rows = read_rows(folder / "quality_metrics", QUALITY_METRICS)
    details = {row["metric"]: row["detail"] for row in rows}
    for name, values in {"recall": [1 / 3, 1, 0, 0], "map": [1 / 2, 1 / 2, 0, 0]}.items():
        users = np.array([10, 9, 8, 7])  # the ids of u0 to u3
        sums = bootstrap.resampled_sums(users, np.array(values)[:, None], seed=3)
        low, high = bootstrap.interval(sums, 0)
        ends = f"95 % of resamples in {low:.4f} to {high:.4f}"
        assert details[f"{name}_at_2"] == f"test split, {ends}"
        assert low < np.mean(values) < high
    told = {name for name, detail in details.items() if "resamples" in (detail or "")}
    assert told == {f"{name}_at_2" for name in METRICS}


def test_measures_by_hand(spark, inputs, tmp_path):
    result, measured = evaluate(spark, inputs, tmp_path, k=2, seed=3)
    assert measured == pytest.approx(EXPECTED)
    assert (result.space_id, result.rows_in) == ("s", {"users": 4})
    check_intervals(tmp_path)


@pytest.mark.slow
def test_baselines_and_samples_that_are_asked_for(spark, inputs, tmp_path):
    """u1 alone has two items, a and d: those are like each other, and nothing else is."""
    settings = {"k": 2, "item_knn_neighbours": 3, "sampled_items": 10}
    _, measured = evaluate(spark, inputs, tmp_path, **settings)
    # u0 and u2 have a and get d; u1 has both, u3 has b: neither gets anything
    expected = {
        "recall": (1 / 3 + 0 + 1 + 0) / 4,
        "truncated_recall": (1 / 2 + 0 + 1 + 0) / 4,
        "ndcg": (1 / (1 + 1 / log2(3)) + 0 + 1 + 0) / 4,
        "map": (1 / 2 + 0 + 1 + 0) / 4,
        "hit_rate": 2 / 4,
        "mrr": 2 / 4,
        "mean_popularity": 2,
        "novelty": log2(3),
        "catalogue_coverage": 1 / 4,
    }
    knn = {f"item_knn_{name}_at_2": value for name, value in expected.items()}
    # as many are drawn as there are: the sample is the full catalogue
    sampled = {f"sampled_{n}": v for n, v in EXPECTED.items() if n in measured and "_at_" in n}
    sampled = {n: v for n, v in sampled.items() if "popularity_" not in n}
    sampled["sampled_mean_popularity_at_2"] = EXPECTED["mean_popularity_at_2"]
    assert measured == pytest.approx(EXPECTED | knn | sampled)
    _, fewer = evaluate(spark, inputs, tmp_path, k=2, sampled_items=1)
    assert fewer["sampled_recall_at_2"] >= measured["recall_at_2"]


def test_a_split_without_pairs_measures_no_users(spark, inputs, tmp_path):
    assert evaluate(spark, inputs, tmp_path, split="valid")[1] == {"users": 0}


def test_what_cannot_be_evaluated_is_an_error(spark, inputs, tmp_path):
    with pytest.raises(InputError, match="no vectors of entity 'item'"):
        evaluate(spark, inputs, tmp_path, space_name="other")
    rows = [("s", "item", "a", [1.0, 2.0], 1.0), ("s", "item", "b", [1.0], 1.0)]
    broken = store(rows, VECTORS, tmp_path / "vectors")
    with pytest.raises(InputError, match="1 components where 2"):
        evaluate(spark, inputs.model_copy(update={"vectors": broken}), tmp_path)
