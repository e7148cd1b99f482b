"""The item-KNN baseline against dense cosines in numpy."""

import numpy as np
import pytest

from pipelines.evaluation import item_knn

USERS, ITEMS = 30, 12


@pytest.fixture(scope="module")
def seen():
    """Return who has which item, at random; nobody has item 4, and item 11 has user 3 alone."""
    seen = np.random.default_rng(5).random((USERS, ITEMS)) < 0.3
    seen[:, 4] = seen[:, 11] = False
    seen[3] = np.arange(ITEMS) == 11
    seen[:, 10] = seen[:, 9]
    return seen


def pairs_of(spark, seen):
    pairs = [(int(u), int(i)) for u, i in zip(*np.nonzero(seen), strict=True)]
    return spark.createDataFrame(pairs, "user_id int, item_id int").repartition(3)


def cosines(seen):
    """Return items' cosines by the users they have, 0 of items with themselves."""
    columns = seen.astype(np.float64)
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1)
    return columns.T @ columns / np.outer(lengths, lengths) * (1 - np.eye(len(lengths)))


def nearest(scores, count):
    """Return ids of the highest scores above 0, among equals the lower id first."""
    order = np.lexsort((np.arange(len(scores)), -scores.round(9)))
    return [int(n) for n in order[:count] if scores[n] > 0]


@pytest.mark.parametrize("neighbours", [3, 50])
def test_neighbours_are_the_items_of_the_highest_cosines(spark, seen, neighbours):
    rows = item_knn.similar_items(pairs_of(spark, seen), neighbours=neighbours, seed=1).collect()
    wanted = cosines(seen)
    found = {(r["item_id"], r["other"]): r["score"] for r in rows}
    assert len(found) == len(rows)
    expected = {
        (n, other): wanted[n, other]
        for n in range(ITEMS)
        for other in nearest(wanted[n], neighbours)
    }
    assert found == pytest.approx(expected)
    parted = [n for n in range(9) if ((n, 9) in found) != ((n, 10) in found)]
    assert bool(parted) == (neighbours == 3)  # 9 and 10 are equal, and there is one place left


def test_users_get_the_unseen_items_most_like_all_they_have(spark, seen):
    pairs = pairs_of(spark, seen)
    similar = item_knn.similar_items(pairs, neighbours=5, seed=1)
    users = pairs.groupBy("user_id").agg({"item_id": "collect_list"}).toDF("user_id", "seen")
    rows = item_knn.recommend(users, similar, k=4, column="found").collect()
    kept = np.zeros((ITEMS, ITEMS))
    for n, own in enumerate(cosines(seen)):
        kept[n, nearest(own, 5)] = own[nearest(own, 5)]
    scores = np.where(seen, 0, seen @ kept)
    expected = {u: nearest(scores[u], 4) or None for u in range(USERS) if seen[u].any()}
    assert {r["user_id"]: r["found"] for r in rows} == expected
    assert expected[3] is None
    assert {len(found or ()) for found in expected.values()} >= {0, 4}


def test_users_of_very_many_items_count_with_some_of_them(spark, monkeypatch):
    """Of eight users' five items two count each; every item has one more user, who has a second."""
    monkeypatch.setattr(item_knn, "_MOST_ITEMS", 2)
    many, few = np.arange(40) // 5 == np.arange(8)[:, None], np.eye(40, dtype=bool)
    train = pairs_of(spark, np.block([[many, np.zeros((8, 40), dtype=bool)], [few, few]]))
    chosen = []
    for seed in (1, 2):
        rows = item_knn.similar_items(train, neighbours=9, seed=seed).collect()
        found = {(r["item_id"], r["other"]): r["score"] for r in rows if r["item_id"] < 40}
        chosen.append({n: other for n, other in found if other < 40})
        assert sorted(n // 5 for n in chosen[-1]) == sorted([*range(8)] * 2)
        assert found == pytest.approx(
            dict.fromkeys(chosen[-1].items(), 1 / 2)
            | {(n, n + 40): 1 / np.sqrt(2) if n in chosen[-1] else 1.0 for n in range(40)}
        )
    assert chosen[0] != chosen[1]
