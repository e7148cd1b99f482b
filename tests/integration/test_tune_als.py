"""`tune_als`: the grid, doubled ranks, and the measures that `evaluate_recommendations` has too."""

from datetime import UTC, datetime

import numpy as np
import pytest
from stored import read_rows, store

from jobs import evaluate_recommendations, train_als, tune_als
from pipelines import tables
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.layouts import fit_layout
from pipelines.als.tuning import search
from pipelines.als.tuning.config import TuneAlsConfig, TuningInputs, TuningOutputs
from pipelines.errors import ConfigError, InputError
from pipelines.evaluation.config import (
    EvaluateRecommendationsConfig,
    EvaluationOutputs,
    RecommendationInputs,
)
from schemas import (
    INTERACTIONS,
    ITEM_IDS,
    QUALITY_METRICS,
    TRAINING_HISTORY,
    TUNING_RESULTS,
    USER_IDS,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS, ITEMS = 80, 50


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """Users like a fifth of the items by their number; item 49 is in `valid` only, user 79 too."""
    folder = tmp_path_factory.mktemp("tune")
    rng = np.random.default_rng(7)
    pairs = []
    for u in range(USERS):
        for i in range(ITEMS):
            if rng.random() < (0.7 if u % 5 == i % 5 else 0.03):
                held = rng.random() < 0.3 or u == USERS - 1 or i == ITEMS - 1
                pairs.append((u, i, 1.0, 1, NOON, NOON, "valid" if held else "train"))
    content = {
        USER_IDS: [(n, f"u{n:02}", 3, False) for n in range(USERS)],
        ITEM_IDS: [(n, f"i{n:02}", 3, False) for n in range(ITEMS)],
        INTERACTIONS: pairs,
    }
    for table, rows in content.items():
        store(rows, table, folder / table.name)
    return folder


def tune(spark, folder, to, **changes):
    settings = {
        "first_rank": 4,
        "max_rank": 8,
        "reg_params": [0.001, 5.0],
        "unobserved_weights": [0.1],
        "max_iter": 4,
        "k": 5,
        "format": "parquet",
    }
    config = TuneAlsConfig(
        inputs=TuningInputs(interactions=str(folder / "interactions")),
        outputs=TuningOutputs(tuning_results=str(to / "tuning_results")),
        **settings | changes,
    )
    result = tune_als.run(spark, config)
    return result, read_rows(to / "tuning_results", TUNING_RESULTS)


def started_jobs(spark):
    return spark.sparkContext._jsc.sc().statusStore().jobsList(None).size()


def test_the_grid_is_tried_and_the_best_is_refined_at_doubled_ranks(
    spark, folder, tmp_path, monkeypatch
):
    attempt, jobs = search._try, []

    def counting(*given):
        before = started_jobs(spark)
        found = attempt(*given)
        jobs.append(started_jobs(spark) - before)
        return found

    monkeypatch.setattr(search, "_try", counting)
    result, rows = tune(spark, folder, tmp_path)
    assert jobs == [1, 1]  # a second job would be all fits once more
    tried = {r["trial"]: (r["rank"], r["reg_param"], r["unobserved_weight"]) for r in rows}
    assert tried == {
        1: (4, 0.001, 0.1),
        2: (4, 5.0, 0.1),
        3: (8, 0.001, 0.1),
        4: (8, 0.0005, 0.1),
        5: (8, 0.002, 0.1),
        6: (8, 0.001, 0.05),
        7: (8, 0.001, 0.2),
    }
    best = max(rows, key=lambda r: r["ndcg"])
    assert [r["trial"] for r in rows if r["is_best"]] == [best["trial"]]
    assert result.measures == {"trials": 7, "ndcg": best["ndcg"]}
    assert max(r["ndcg"] for r in rows if r["trial"] == 2) < best["ndcg"] - 0.1
    assert f"  max_iter: {best['iteration']}" in result.lines


@pytest.mark.slow
def test_a_killed_search_tries_no_rank_again(spark, folder, tmp_path, monkeypatch):
    whole = tune(spark, folder, tmp_path / "a")[1]
    attempt, tried = search._try, []

    def dying(candidates, *given):
        tried.append(candidates[0].rank)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return attempt(candidates, *given)

    monkeypatch.setattr(search, "_try", dying)
    with pytest.raises(KeyboardInterrupt):
        tune(spark, folder, tmp_path / "b")
    again = tune(spark, folder, tmp_path / "b")[1]
    assert tried == [4, 8, 8]
    names = ("trial", "iteration", "ndcg", "recall", "loss", "is_best")
    assert [[r[n] for n in names] for r in again] == [[r[n] for n in names] for r in whole]


@pytest.mark.parametrize("layout", [pytest.param("packed", marks=pytest.mark.slow), "blocked"])
def test_measures_are_those_of_the_evaluating_job(spark, folder, tmp_path, layout):
    """Also of users and items without a vector: they count as missed, in blocks of their own."""
    _, rows = tune(spark, folder, tmp_path, max_rank=4, reg_params=[0.003], max_iter=3)
    places = {name: str(folder / name) for name in ("interactions", "user_ids", "item_ids")}
    to = tmp_path / layout
    config = TrainAlsConfig(
        inputs=AlsInputs(**places),
        outputs=AlsOutputs(vectors=str(to / "vectors")),
        format="parquet",
        rank=4,
        reg_param=0.003,
        max_iter=3,
        layout=layout,
        num_blocks=USERS,
        evaluation_split="valid",
        evaluation_k=5,
    )
    trained = train_als.run(spark, config)
    history = tables.read(spark, str(to / "training_history"), TRAINING_HISTORY).collect()
    found = {(r["round"], r["metric"]): r["value"] for r in history}
    for row in rows:
        for name in ("recall", "ndcg"):
            measured = found[row["iteration"], f"{name}_at_5"]
            assert measured == pytest.approx(row[name], rel=1e-6)
    assert trained.measures["ndcg_at_5"] == found[3, "ndcg_at_5"]
    judge = EvaluateRecommendationsConfig(
        inputs=RecommendationInputs(
            vectors=str(to / "vectors"), embedding_spaces=str(to / "embedding_spaces"), **places
        ),
        outputs=EvaluationOutputs(quality_metrics=str(to / "quality_metrics")),
        format="parquet",
        k=5,
        split="valid",
    )
    evaluate_recommendations.run(spark, judge)
    metrics = tables.read(spark, judge.outputs.quality_metrics, QUALITY_METRICS).collect()
    known = {r["metric"]: r["value"] for r in metrics}
    assert known["users_without_vector"] == 1
    assert known["ndcg_at_5"] == pytest.approx(found[3, "ndcg_at_5"], rel=1e-6)
    assert known["recall_at_5"] == pytest.approx(found[3, "recall_at_5"], rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "reg_param", "sweeps", "highest"),
    [("recall", 0.02, 5, "0.6500"), ("ndcg", 0.01, 3, "0.1400")],
)
def test_a_later_rank_goes_on_from_the_best_by_the_chosen_measure(
    metric, reg_param, sweeps, highest
):
    config = TuneAlsConfig(
        inputs=TuningInputs(interactions="a"),
        outputs=TuningOutputs(tuning_results="b", run_counts="c"),
        metric=metric,
    )
    found = [(1, 3, 0.01, 0.61, 0.14), (2, 5, 0.02, 0.65, 0.12), (2, 6, 0.02, 0.65, 0.13)]
    rows = [
        {
            "trial": trial,
            "rank": 32,
            "reg_param": reg,
            "unobserved_weight": 0.1,
            "iteration": n,
            "recall": recall,
            "ndcg": ndcg,
        }
        for trial, n, reg, recall, ndcg in found
    ]
    assert [c.reg_param for c in search._candidates(config, 64, rows)] == [
        reg_param,
        reg_param / 2,
        reg_param * 2,
        reg_param,
        reg_param,
    ]
    told = search.describe(search.best_of(rows, metric), config)
    assert told[0] == f"best {metric} at 20: {highest}, with"
    assert told[-1] == f"  max_iter: {sweeps}"


def test_a_split_without_pairs_is_told(spark, folder, tmp_path):
    with pytest.raises(InputError, match="valid_share"):
        tune(spark, folder, tmp_path, evaluation_split="test")


def test_candidates_that_do_not_fit_an_executor_are_refused_at_first(
    spark, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(fit_layout, "executor_memory", lambda _: 1 << 29)  # the margin alone
    with pytest.raises(ConfigError, match=r"max_rank: a candidate of rank 8 takes 0\.5 GiB"):
        tune(spark, folder, tmp_path, first_rank=4, max_rank=15)
    with pytest.raises(InputError, match="no table here"):
        tables.read(spark, str(tmp_path / "tuning_results"), TUNING_RESULTS)


def test_candidates_share_an_executor_as_far_as_its_memory_goes(spark, monkeypatch):
    monkeypatch.setattr(fit_layout, "executor_threads", lambda _: 8)
    for gibibytes, count in ((1, 0), (2, 1), (7, 3), (64, 8)):
        monkeypatch.setattr(fit_layout, "executor_memory", lambda _, n=gibibytes: n << 30)
        assert fit_layout.packed_at_once(spark, (2 << 30) - 1) == count
