"""Ranking metrics against values worked out by hand."""

from math import log2

import numpy as np

from pipelines.arrays.ragged import Ragged
from pipelines.ranking.metrics import METRICS, find_hits, measure_ranking

# four users, k = 3: hits at places 1 and 3; at 2; none; no recommendations at all
RECOMMENDED = np.array([[4, 0, 2], [1, 5, 3], [0, 1, 2], [-1, -1, -1]])
HELD_OUT = Ragged(np.array([0, 5, 6, 8, 9]), np.array([2, 4, 7, 8, -1, 5, 3, -1, -1]))


def test_hits_are_found_per_user_and_unknown_items_are_never_hit():
    assert find_hits(RECOMMENDED, HELD_OUT).tolist() == [
        [True, False, True],
        [False, True, False],
        [False] * 3,
        [False] * 3,
    ]


def test_an_item_of_another_user_is_no_hit():
    held_out = Ragged(np.array([0, 1, 2]), np.array([1, 0]))
    assert not find_hits(np.array([[0], [1]]), held_out).any()


def test_a_missing_item_is_not_the_last_item_of_the_user_before():
    recommended = np.array([[4], [-1]])
    assert find_hits(recommended, Ragged(np.array([0, 1, 2]), np.array([4, 4]))).tolist() == [
        [True],
        [False],
    ]
    assert not find_hits(recommended, Ragged(np.array([0, 1, 2]), np.array([3, -1]))).any()


def test_metrics_by_hand():
    measured = measure_ranking(find_hits(RECOMMENDED, HELD_OUT), HELD_OUT.counts)
    assert tuple(measured) == METRICS
    ideal_of_three = 1 + 1 / log2(3) + 1 / 2
    expected = {
        "recall": [2 / 5, 1, 0, 0],
        "truncated_recall": [2 / 3, 1, 0, 0],
        "ndcg": [(1 + 1 / 2) / ideal_of_three, 1 / log2(3), 0, 0],
        "map": [(1 + 2 / 3) / 3, 1 / 2, 0, 0],
        "hit_rate": [1, 1, 0, 0],
        "mrr": [1, 1 / 2, 0, 0],
    }
    for metric, values in expected.items():
        np.testing.assert_allclose(measured[metric], values, err_msg=metric)


def test_a_perfect_list_scores_one_everywhere():
    held_out = Ragged(np.array([0, 2]), np.array([6, 9]))
    measured = measure_ranking(find_hits(np.array([[9, 6]]), held_out), held_out.counts)
    assert all(measured[metric].tolist() == [1.0] for metric in METRICS)
