"""The gate's measures against numpy on planted faults and by brute force."""

import numpy as np
import pytest

from pipelines.spaces.content import measure_content
from pipelines.spaces.gate_measures import coverage, mean_cosines, measure_entities
from schemas import VECTORS

RNG = np.random.default_rng(11)
MATRIX = RNG.standard_normal((40, 6)).astype(np.float32) + 0.5


def frame(spark, rows):
    return spark.createDataFrame(rows, VECTORS.schema())


def sound_rows(entity="word"):
    return [
        ("s", entity, f"k{n}", v.tolist(), float(np.linalg.norm(v))) for n, v in enumerate(MATRIX)
    ]


def test_a_sound_space_measures_clean(spark):
    vectors = frame(spark, sound_rows() + sound_rows("user"))
    measured = measure_entities(vectors.repartition(3), dimension=6)
    assert set(measured) == {"word", "user"}
    assert measured["word"]["vectors"] == 40
    faults = ("duplicate_keys", "wrong_dimension", "non_finite", "null_components", "wrong_norm")
    assert [measured["user"][name] for name in faults] == [0] * 5
    norms = np.linalg.norm(MATRIX, axis=1)
    assert norms.min() <= measured["word"]["norm_p50"] <= norms.max()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("s", "word", "k0", MATRIX[0].tolist(), 1.0), "duplicate_keys"),
        (("s", "word", "new", [1.0, 2.0], 2.236068), "wrong_dimension"),
        (("s", "word", "new", [float("nan")] * 6, float("nan")), "non_finite"),
        (("s", "word", "new", [float("-inf")] * 6, float("inf")), "non_finite"),
        (("s", "word", "new", [1.0] * 6, 5.0), "wrong_norm"),
        (("s", "word", "new", [None, 1.0, 1.0, 1.0, 1.0, 1.0], 2.236068), "null_components"),
    ],
)
def test_each_planted_fault_is_counted_once(spark, row, fault):
    measured = measure_entities(frame(spark, [*sound_rows(), row]), dimension=6)["word"]
    assert measured[fault] == 1


def test_zero_vectors_are_a_share(spark):
    rows = [*sound_rows()[:3], ("s", "word", "zero", [0.0] * 6, 0.0)]
    assert measure_entities(frame(spark, rows), dimension=6)["word"]["zero_vector_share"] == 0.25


def test_mean_cosine_equals_brute_force_over_all_pairs(spark):
    units = MATRIX.astype(np.float64) / np.linalg.norm(MATRIX.astype(np.float64), axis=1)[:, None]
    scores = units @ units.T
    expected = scores[~np.eye(len(units), dtype=bool)].mean()
    odd = [
        ("s", "word", "z", [0.0] * 6, 0.0),
        ("s", "word", "n", [float("nan")] * 6, 0.0),
        ("s", "item", "one", [1.0] * 6, 2.45),
    ]
    found = mean_cosines(frame(spark, sound_rows() + odd).repartition(4))
    assert found["word"] == pytest.approx(expected, abs=1e-9)
    assert found["item"] is None


def test_coverage_is_the_share_of_keys_with_a_vector(spark):
    keys = spark.createDataFrame([("k0",), ("k1",), ("absent",), ("k0x",)], "key string")
    assert coverage(frame(spark, sound_rows()), keys) == 0.5


def test_checksum_knows_content_not_order(spark):
    vectors = frame(spark, sound_rows())
    first = measure_content(vectors.repartition(5))
    assert first == measure_content(vectors.orderBy("key"))
    assert (first["dimension"], first["row_count"]) == (6, 40)
    changed = [*sound_rows()[:-1], ("s", "word", "k39", [*MATRIX[39][:5].tolist(), 0.0], 1.0)]
    assert measure_content(frame(spark, changed))["checksum"] != first["checksum"]
