"""`train_als` on MLlib: planted blocks are recovered, and only the training split is seen."""

from datetime import UTC, datetime

import numpy as np
import pytest

from jobs.train_als import run
from pipelines import tables
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.errors import InputError
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS, VECTORS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS, ITEMS = 12, 8


def write_inputs(spark, folder, split, *, held_out=()):
    """Even users like even items, odd users odd ones; one pair of each user is left out."""
    pairs = [
        (u, i, 1.0, 1, NOON, NOON, "test" if i in held_out else split)
        for u in range(USERS)
        for i in range(ITEMS)
        if u % 2 == i % 2 and i != (2 * (u // 2 % 4) + u % 2)
    ]
    ids = {
        USER_IDS: [(n, f"u{n}", 3, False) for n in range(USERS)],
        ITEM_IDS: [(n, f"i{n}", 3, False) for n in range(ITEMS)],
        INTERACTIONS: pairs,
    }
    for table, rows in ids.items():
        frame = spark.createDataFrame(rows, table.schema()).coalesce(1)
        tables.write(frame, table, str(folder / table.name), format="parquet", part={}, metadata={})


def config(folder):
    return TrainAlsConfig(
        inputs=AlsInputs(
            interactions=str(folder / "interactions"),
            user_ids=str(folder / "user_ids"),
            item_ids=str(folder / "item_ids"),
        ),
        outputs=AlsOutputs(vectors=str(folder / "vectors")),
        format="parquet",
        rank=4,
        max_iter=8,
        alpha=20.0,
    )


@pytest.mark.slow
def test_the_left_out_item_of_the_own_block_scores_above_the_other_block(spark, tmp_path):
    write_inputs(spark, tmp_path, "train")
    result = run(spark, config(tmp_path))
    assert result.rows_out["vectors"] == USERS + ITEMS
    rows = tables.read(spark, str(tmp_path / "vectors"), VECTORS).collect()
    vectors = {r["key"]: np.array(r["vector"]) for r in rows}
    for user in range(USERS):
        own = [
            float(vectors[f"u{user}"] @ vectors[f"i{i}"]) for i in range(ITEMS) if i % 2 == user % 2
        ]
        other = [
            float(vectors[f"u{user}"] @ vectors[f"i{i}"]) for i in range(ITEMS) if i % 2 != user % 2
        ]
        assert min(own) > max(other)


def test_held_out_pairs_are_not_seen(spark, tmp_path):
    write_inputs(spark, tmp_path, "train", held_out={0})
    run(spark, config(tmp_path))
    rows = tables.read(spark, str(tmp_path / "vectors"), VECTORS).where("entity = 'item'").collect()
    assert {r["key"] for r in rows} == {f"i{n}" for n in range(1, ITEMS)}


def test_no_training_pair_is_an_input_error(spark, tmp_path):
    write_inputs(spark, tmp_path, "test")
    with pytest.raises(InputError, match="train"):
        run(spark, config(tmp_path))
