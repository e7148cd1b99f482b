"""`find_neighbours` against brute force in float64, whatever the partitions and batches."""

import numpy as np
import pytest
from stored import read_rows, store

from jobs.find_neighbours import run
from pipelines import tables
from pipelines.errors import InputError
from pipelines.serving.config import FindNeighboursConfig, NeighbourOutputs, PublishedInputs
from pipelines.serving.neighbours import fetch_queries, find_nearest
from schemas import NEIGHBOURS, VECTORS

COUNT = 60
KEYS = [f"w{n:02d}" for n in range(COUNT)]
MATRIX = np.random.default_rng(3).standard_normal((COUNT, 5)).astype(np.float32)
MATRIX[40] = MATRIX[41] = MATRIX[42] = 2 * MATRIX[0]  # three equal neighbours of w00
MATRIX[7] = 0


def vector_rows(space="s"):
    rows = [
        (space, "word", key, vector.tolist(), 1.0) for key, vector in zip(KEYS, MATRIX, strict=True)
    ]
    return [*rows, (space, "item", "w03", MATRIX[3].tolist(), 1.0)]


@pytest.fixture(scope="module")
def published(spark, tmp_path_factory):
    uri = str(tmp_path_factory.mktemp("published") / "word_vectors")
    frame = spark.createDataFrame(vector_rows(), VECTORS.schema()).repartition(2)
    tables.write(frame, VECTORS, uri, format="parquet", part={}, metadata={})
    return uri


def brute_force(query, k, metric):
    matrix = MATRIX.astype(np.float64)
    if metric == "cosine":
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix = np.divide(matrix, norms, out=np.zeros_like(matrix), where=norms > 0)
    at = KEYS.index(query)
    scores = np.round(matrix @ matrix[at], 5)
    ranked = sorted((-score, key) for key, score in zip(KEYS, scores, strict=True) if key != query)
    return [(key, -score) for score, key in ranked[:k]]


def find(spark, uri, out, queries, **settings):
    return run(
        spark,
        FindNeighboursConfig(
            inputs=PublishedInputs(vectors=uri),
            outputs=NeighbourOutputs(neighbours=str(out)),
            format="parquet",
            queries=queries,
            **settings,
        ),
    )


def test_neighbours_are_written_told_and_counted(spark, published, tmp_path):
    out = tmp_path / "neighbours"
    result = find(spark, published, out, ["w05", "nowhere", "w00"], k=4)
    found = {row["key"]: row["neighbours"] for row in read_rows(out, NEIGHBOURS)}
    assert set(found) == {"w05", "w00"}
    for query, neighbours in found.items():
        expected = brute_force(query, 4, "cosine")
        assert [one["key"] for one in neighbours] == [key for key, _ in expected]
        assert [one["score"] for one in neighbours] == pytest.approx(
            [score for _, score in expected], abs=1e-4
        )
    assert [one["key"] for one in found["w00"]][:3] == ["w40", "w41", "w42"]
    assert max(one["score"] for one in found["w00"]) <= 1
    names = [", ".join(one["key"] for one in found[query]) for query in ("w05", "w00")]
    assert result.lines == [f"w05: {names[0]}", f"w00: {names[1]}", "unknown word: nowhere"]
    assert (result.rows_in, result.rows_out, result.rejected, result.space_id) == (
        {"queries": 3},
        {"neighbours": 2},
        {"unknown": 1},
        "s",
    )


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_partitions_and_batches_change_nothing(spark, metric):
    name = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(name)
    frame = spark.createDataFrame(vector_rows(), VECTORS.schema()).repartition(3)
    spark.conf.set(name, "7")
    try:
        queries = fetch_queries(frame, ["w00", "w07", "w20"], entity="word")
        rows = find_nearest(frame, queries, k=9, metric=metric).collect()
    finally:
        spark.conf.set(name, before)
    for row in rows:
        expected = brute_force(row["key"], 9, metric)
        assert [one["key"] for one in row["neighbours"]] == [key for key, _ in expected], row["key"]
    assert len(rows) == 3


def test_no_known_query_and_mixed_spaces_are_errors(spark, published, tmp_path):
    with pytest.raises(InputError, match=r"no word of these has a vector: W5; .*'W5': w05, w15"):
        find(spark, published, tmp_path / "n", ["W5"])
    mixed = store(vector_rows() + vector_rows("t"), VECTORS, tmp_path / "mixed")
    with pytest.raises(InputError, match="mixes the spaces"):
        find(spark, mixed, tmp_path / "n", ["w00"])
