"""The search for settings in the report: by the measure it went by, each at its best sweep."""

import re

import pytest

from pipelines.report import gathering
from pipelines.report.facts import Facts
from pipelines.report.figures import draw_trials
from pipelines.report.page import render
from pipelines.report.trials import find_measure, read_trials
from schemas import TUNING_RESULTS

# trial, rank, sweep, recall, NDCG: trial 3 has the best recall, trial 2 the best NDCG
SWEPT = [
    (1, 4, 1, 0.61, 0.11),
    (1, 4, 2, 0.62, 0.10),
    (1, 4, 3, 0.62, 0.09),
    (2, 4, 1, 0.60, 0.14),
    (2, 4, 2, 0.63, 0.12),
    (3, 8, 1, 0.68, 0.12),
    (3, 8, 2, 0.66, 0.13),
]
BEST = {"ndcg": (2, 1), "recall": (3, 1)}


@pytest.fixture(scope="module")
def results(spark):
    """Return a function that makes a search's table, the row of a trial and sweep marked."""

    def make(best, swept=SWEPT):
        rows = [
            (trial, rank, 0.01, 0.1, sweep, recall, ndcg, 5.0, 1.0, (trial, sweep) == best)
            for trial, rank, sweep, recall, ndcg in swept
        ]
        return spark.createDataFrame(rows, TUNING_RESULTS.schema()).repartition(3)

    return make


@pytest.mark.parametrize(
    ("measure", "sweeps", "shown", "told"),
    [
        ("ndcg", [1, 1, 2], [0.11, 0.14, 0.13], "NDCG of 3 candidates, each after its best sweep."),
        ("recall", [2, 2, 1], [0.62, 0.63, 0.68], "Recall of 3 candidates, each after its best"),
    ],
)
def test_candidates_are_shown_by_what_the_search_went_by(results, measure, sweeps, shown, told):
    tried = {"tuning_results": results(BEST[measure])}
    facts = gathering.gather(tried, map_words=10, sample_count=2, seed=1)
    assert facts.trial_measure == measure
    assert [(row["trial"], row["iteration"]) for row in facts.trials] == [*enumerate(sweeps, 1)]
    assert [row[measure] for row in facts.trials] == shown
    page = render(facts, title="t", missing={}, versions={}, seed=1)
    trial, _ = BEST[measure]
    assert told in page
    assert f"Best: number {trial}, {max(shown)}." in page
    assert f"{told.split()[0]} of each candidate of the search" in page
    axis = [float(n) for n in re.findall(r">(0\.\d+)</text>", page)]
    assert axis
    assert all(abs(n - max(shown)) < 0.1 for n in axis)


def test_where_rows_are_equal_the_first_tells_what_the_search_went_by(results):
    """Of a search by recall that marks the second of two rows of equal NDCG."""
    swept = [(1, 4, 1, 0.61, 0.14), (1, 4, 2, 0.65, 0.14), (2, 4, 1, 0.65, 0.14)]
    assert find_measure(results((1, 2), swept)) == "recall"
    assert find_measure(results((1, 1), swept)) == "ndcg"


def test_a_table_without_a_best_row_or_any_is_shown_by_ndcg(results):
    assert find_measure(results(None)) == "ndcg"
    assert find_measure(results(None, SWEPT).limit(0)) == "ndcg"
    assert [row["is_best"] for row in read_trials(results(None), "ndcg")] == [False] * 3
    assert "candidates, each" not in render(Facts(), title="t", missing={}, versions={}, seed=1)


def test_one_point_for_each_candidate_in_the_colour_of_its_rank():
    svg = draw_trials([4, 8, 4], [0.1, 0.3, 0.2], metric="Recall")
    groups = re.findall(r'<g id="trials-rank(\d+)">(.*?)\n   </g>', svg, re.DOTALL)
    assert {rank: group.count("<use") for rank, group in groups} == {"4": 2, "8": 1}
