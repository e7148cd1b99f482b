"""`fold_in_vectors`: training users' vectors come back, new ones fit, what cannot be is told."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
from pyspark.errors import PySparkException
from stored import read_rows, store

from jobs import fold_in_vectors, train_als
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.fold_in.config import FoldInConfig, FoldInInputs, FoldInOutputs
from pipelines.errors import InputError, from_spark
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS, VECTORS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS, ITEMS = 30, 20


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """Users 0 to 29 train; user 30 has pairs of the split test only, user 31 with unknown items."""
    folder = tmp_path_factory.mktemp("fold_in")
    rng = np.random.default_rng(4)
    pairs = [
        (u, i, float(rng.integers(1, 6)), "train")
        for u in range(USERS)
        for i in range(ITEMS)
        if rng.random() < 0.4
    ]
    pairs += [(USERS, i, w, "test") for u, i, w, _ in pairs if u == 3]
    pairs += [(USERS + 1, ITEMS, 1.0, "test")]
    pairs += [(1, 2, -1.0, "valid")]
    content = {
        USER_IDS: [(n, f"u{n}", 3, False) for n in range(USERS + 2)],
        ITEM_IDS: [(n, f"i{n}", 3, False) for n in range(ITEMS + 1)],
        INTERACTIONS: [(u, i, w, 1, NOON, NOON, split) for u, i, w, split in pairs],
    }
    for table, rows in content.items():
        store(rows, table, folder / table.name)
    return folder


def train(spark, folder, to, **changes):
    places = {name: str(folder / name) for name in ("interactions", "user_ids", "item_ids")}
    config = TrainAlsConfig(
        inputs=AlsInputs(**places),
        outputs=AlsOutputs(vectors=str(to / "vectors")),
        format="parquet",
        **{"rank": 6, "max_iter": 4, "solver": "dual"} | changes,
    )
    return train_als.run(spark, config)


def fold_in(spark, folder, to, **changes):
    places = {name: str(folder / name) for name in ("interactions", "user_ids", "item_ids")}
    places |= {n: str(to / n) for n in ("vectors", "embedding_spaces", "training_history")}
    config = FoldInConfig(
        inputs=FoldInInputs(**places),
        format="parquet",
        outputs=FoldInOutputs(folded_vectors=str(to / "folded_vectors")),
        **changes,
    )
    result = fold_in_vectors.run(spark, config)
    return read(to / "folded_vectors"), result


def read(place, entity=None):
    rows = read_rows(place, VECTORS)
    wanted = [r for r in rows if entity is None or r["entity"] == entity]
    return {r["key"]: (np.array(r["vector"]), r["norm"], r["space_id"]) for r in wanted}


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "ials"},
        pytest.param({"objective": "hu2008"}, marks=pytest.mark.slow),
        pytest.param({"objective": "explicit"}, marks=pytest.mark.slow),
        pytest.param({"objective": "ials", "is_nonnegative": True}, marks=pytest.mark.slow),
    ],
)
def test_training_users_come_back_and_a_copy_of_one_is_the_same(spark, folder, tmp_path, settings):
    trained = train(spark, folder, tmp_path, **settings)
    known = read(tmp_path / "vectors", "user")
    folded, result = fold_in(spark, folder, tmp_path, only_new=False, splits=["train"])
    assert folded.keys() == known.keys()
    assert result.rows_in["users"] == USERS
    assert result.rows_in["interactions"] > USERS
    assert not result.rejected
    for key, (vector, norm, space_id) in folded.items():
        np.testing.assert_allclose(vector, known[key][0], atol=1e-4)
        assert norm == pytest.approx(np.linalg.norm(vector), rel=1e-6)
        assert space_id == trained.space_id
    new, result = fold_in(spark, folder, tmp_path, splits=["train", "test"])
    assert new.keys() == {f"u{USERS}"}
    np.testing.assert_allclose(new[f"u{USERS}"][0], known["u3"][0], atol=1e-4)
    assert result.rows_in["users"] == 2
    assert result.rejected == {"no_usable_pair": 1, "unknown_key": 1}
    if settings["objective"] != "explicit":
        with pytest.raises(PySparkException) as caught:
            fold_in(spark, folder, tmp_path)
        told = from_spark(caught.value)
        assert isinstance(told, InputError)
        assert "weight -1.0 of user_id 1, item_id 2 cannot be used" in str(told)


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ((2, 3, None), "weight null of user_id 2, item_id 3 cannot be used"),
        pytest.param(
            (None, 3, 1.0),
            "weight 1.0 of user_id null, item_id 3 cannot be used",
            marks=pytest.mark.slow,
        ),
        ((USERS + 1, ITEMS, 2.0), f"a pair of user_id {USERS + 1} and some item_id is there more"),
    ],
)
def test_pairs_that_training_would_refuse_are_told(spark, folder, tmp_path, pair, told):
    pairs = read_rows(folder / "interactions", INTERACTIONS)
    rows = [tuple(row.values()) for row in pairs if row["split"] != "valid"]
    store([*rows, (*pair, 1, NOON, NOON, "test")], INTERACTIONS, tmp_path / "interactions")
    for name in ("user_ids", "item_ids"):
        shutil.copytree(folder / name, tmp_path / name)
    train(spark, folder, tmp_path)
    with pytest.raises(PySparkException) as caught:
        fold_in(spark, tmp_path, tmp_path)
    known = from_spark(caught.value)
    assert isinstance(known, InputError)
    assert told in str(known)


@pytest.mark.slow
def test_items_are_folded_in_against_users(spark, folder, tmp_path):
    train(spark, folder, tmp_path, max_iter=40)  # converged: the items' half-sweep is not the last
    known = read(tmp_path / "vectors", "item")
    folded, _ = fold_in(spark, folder, tmp_path, entity="item", only_new=False, splits=["train"])
    largest = max(np.abs(v).max() for v, _, _ in known.values())
    for key, (vector, _, _) in folded.items():
        np.testing.assert_allclose(vector, known[key][0], atol=0.02 * largest)


@pytest.mark.slow
def test_a_space_of_another_trainer_is_refused(spark, folder, tmp_path):
    train(spark, folder, tmp_path, engine="mllib", objective="hu2008", solver="auto", max_iter=1)
    with pytest.raises(InputError, match="engine: native"):
        fold_in(spark, folder, tmp_path)
