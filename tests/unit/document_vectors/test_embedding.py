"""Weighted means and their common components against formulas written out and numpy's SVD."""

import math

import numpy as np
import pyarrow as pa
import pytest

from pipelines.arrays.matrices import as_lists
from pipelines.arrays.ragged import Ragged
from pipelines.document_vectors.components import (
    principal_components,
    second_moments,
    without_components,
)
from pipelines.document_vectors.config import DocumentsSettings
from pipelines.document_vectors.embedding import mean_rows
from pipelines.document_vectors.token_vectors import WeightedWords, word_weights
from pipelines.errors import ConfigError

MATRIX = np.array([[1, 0], [0, 4], [2, 2]], dtype=np.float32)
SETTINGS = DocumentsSettings()


def lists(*rows):
    offsets = np.cumsum([0, *map(len, rows)])
    return Ragged(offsets, np.array([n for row in rows for n in row], dtype=np.int64))


def test_tokens_without_a_vector_fall_out_of_their_list():
    words = WeightedWords(np.array([1, 0, -1, 2]), MATRIX)
    known = words.locate(lists([1, 2, 3], [], [2, 99, -5, 4], [0, 0]))
    assert (known.offsets.tolist(), known.values.tolist()) == ([0, 2, 2, 2, 4], [0, 2, 1, 1])
    nothing = words.locate(lists([], []))
    assert (nothing.offsets.tolist(), nothing.values.tolist()) == ([0, 0, 0], [])


def test_a_word_counts_as_often_as_it_stands_there():
    means = mean_rows(lists([0, 1, 1, 2], [], [2]), MATRIX)
    assert means.tolist() == [[0.75, 2.5], [0, 0], [2, 2]]
    assert means.dtype == np.float32


def test_the_order_of_tokens_changes_no_bit():
    random = np.random.default_rng(4)
    matrix = random.standard_normal((50, 7)).astype(np.float32)
    tokens = random.integers(0, 50, 400).tolist()
    means = mean_rows(lists(tokens, tokens[::-1], sorted(tokens)), matrix)
    assert (means == means[0]).all()


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        ("mean", [1.0, 1.0]),
        ("sif", [0.1 / (0.1 + 0.4), 0.1 / (0.1 + 0.025)]),
        ("idf", [1.0, 1 + math.log(10 / 2)]),
    ],
)
def test_weights_are_those_of_the_formula(weighting, expected):
    settings = SETTINGS.model_copy(update={"weighting": weighting, "sif_a": 0.1})
    shares, counts = np.array([0.4, 0.025]), np.array([9, 1])
    weights = word_weights(shares, counts, settings, document_count=9)
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_one_component_is_removed_by_default_of_sif_alone():
    found = {
        weighting: SETTINGS.model_copy(update={"weighting": weighting}).component_count
        for weighting in ("mean", "idf", "sif")
    }
    assert found == {"mean": 0, "idf": 0, "sif": 1}
    for count in (0, 3):
        assert SETTINGS.model_copy(update={"remove_components": count}).component_count == count


def test_rows_become_lists_and_null_where_told():
    column = as_lists(MATRIX, is_null=np.array([False, True, False]))
    assert column.type == pa.list_(pa.float32())
    assert column.to_pylist() == [[1, 0], None, [2, 2]]
    assert as_lists(MATRIX[:1], is_null=np.array([True])).to_pylist() == [None]


def embedded(spark, matrix, partitions):
    rows = [(f"d{n}", vector.tolist(), 5, 4) for n, vector in enumerate(matrix)]
    rows.insert(len(rows) // 2, ("none", None, 3, 0))
    schema = "doc_id string, vector array<float>, token_count bigint, known_token_count bigint"
    return spark.createDataFrame(rows, schema).repartition(partitions)


@pytest.mark.parametrize(("count", "partitions"), [(0, 2), (1, 1), (1, 9), (2, 3)])
def test_the_first_singular_vectors_are_removed_whatever_the_partitions(spark, count, partitions):
    matrix = np.random.default_rng(8).standard_normal((20, 5)) + np.eye(5)[0]
    matrix = matrix.astype(np.float32).astype(np.float64)
    frame = embedded(spark, matrix, partitions)
    np.testing.assert_allclose(second_moments(frame, dimension=5), matrix.T @ matrix, rtol=1e-12)
    common = principal_components(frame, count=count, dimension=5, vector_count=20)
    _, _, singular = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(common @ common.T, np.eye(count), atol=1e-12)
    first = singular[:count]
    expected = matrix - matrix @ first.T @ first
    rows = {row["doc_id"]: row for row in without_components(frame, common, space_id="s").collect()}
    assert len(rows) == 21
    found = np.array([rows[f"d{n}"]["vector"] for n in range(20)])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    norms = [rows[f"d{n}"]["norm"] for n in range(20)]
    np.testing.assert_allclose(norms, np.linalg.norm(expected, axis=1), rtol=1e-5)
    assert tuple(rows["none"]) == ("s", "none", None, None, 3, 0, True)


@pytest.mark.parametrize(("count", "vectors"), [(1, 1), (2, 2), (5, 20)])
def test_removing_all_there_is_names_the_setting(spark, count, vectors):
    frame = embedded(spark, np.ones((vectors, 5)), 1)
    with pytest.raises(ConfigError, match=rf"remove_components: {count} of {vectors} vectors"):
        principal_components(frame, count=count, dimension=5, vector_count=vectors)


def test_without_vectors_there_are_no_components(spark):
    frame = embedded(spark, np.empty((0, 5)), 1)
    common = principal_components(frame, count=1, dimension=5, vector_count=0)
    assert common.shape == (0, 5)
