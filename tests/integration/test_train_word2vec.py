"""`train_word2vec` on MLlib: planted topics are recovered, and a space is trained once."""

import numpy as np
import pytest

from jobs.train_word2vec import run
from pipelines import tables
from pipelines.vectors.spaces import find_space
from pipelines.word2vec import mllib
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from schemas import EMBEDDING_SPACES, SENTENCES, TRAINING_HISTORY, VECTORS, VOCABULARY

TOPICS, WORDS = 2, 5


def config(tmp_path, **changes):
    return TrainWord2VecConfig(
        inputs=Word2VecInputs(
            sentences=str(tmp_path / "sentences"), vocabulary=str(tmp_path / "vocabulary")
        ),
        outputs=Word2VecOutputs(vectors=str(tmp_path / "vectors")),
        format="parquet",
        vector_size=8,
        max_iter=3,
        step_size=0.05,
        **changes,
    )


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """Sentences that stay within one of two topics of five words each."""
    folder = tmp_path_factory.mktemp("word2vec")
    rng = np.random.default_rng(5)
    rows = [
        (f"d:{n}", "d", (rng.integers(0, WORDS, 10) + WORDS * (n % TOPICS)).tolist())
        for n in range(600)
    ]
    tokens = [(n, f"t{n // WORDS}w{n % WORDS}", 100, 1) for n in range(TOPICS * WORDS)]
    for table, content in ((SENTENCES, rows), (VOCABULARY, tokens)):
        frame = spark.createDataFrame(content, table.schema()).coalesce(1)
        tables.write(
            frame,
            table,
            str(folder / table.name),
            format="parquet",
            part={},
            metadata={"fingerprint": table.name},
        )
    return folder


def test_planted_topics_are_nearer_to_themselves(spark, folder):
    result = run(spark, config(folder))
    rows = tables.read(spark, str(folder / "vectors"), VECTORS).collect()
    vectors = {r["key"]: np.array(r["vector"]) / r["norm"] for r in rows}
    assert len(vectors) == result.rows_out["vectors"] == TOPICS * WORDS
    assert all(np.linalg.norm(v) == pytest.approx(1, abs=1e-5) for v in vectors.values())
    for key, vector in vectors.items():
        nearest = sorted(vectors, key=lambda other: -float(vectors[other] @ vector))[1:WORDS]
        assert {other[:2] for other in nearest} == {key[:2]}
    history = tables.read(spark, str(folder / "training_history"), TRAINING_HISTORY).collect()
    assert {(r["space_id"], r["metric"]) for r in history} == {(result.space_id, "seconds")}


def test_a_space_is_trained_once_and_again_only_when_its_vectors_are_gone(
    spark, folder, monkeypatch
):
    trained = []
    real = mllib.train
    monkeypatch.setattr(mllib, "train", lambda *a: trained.append(1) or real(*a))
    first = run(spark, config(folder, seed=7))
    again = run(spark, config(folder, seed=7))
    assert (first.space_id, again.status, len(trained)) == (again.space_id, "unchanged", 1)
    other = run(spark, config(folder, seed=8))
    assert other.space_id != first.space_id
    spaces = tables.read(spark, str(folder / "embedding_spaces"), EMBEDDING_SPACES)
    assert find_space(spaces, name="word").space_id == other.space_id
    run(spark, config(folder, seed=7))  # asked for again: the newest of its name
    spaces = tables.read(spark, str(folder / "embedding_spaces"), EMBEDDING_SPACES)
    assert find_space(spaces, name="word").space_id == first.space_id
    damaged = spark.createDataFrame(
        [(first.space_id, "word", "t0w0", [0.0] * 8, 0.0)], VECTORS.schema()
    )
    tables.write(
        damaged,
        VECTORS,
        str(folder / "vectors"),
        format="parquet",
        part={"space_id": first.space_id},
        metadata={},
    )
    assert run(spark, config(folder, seed=7)).status == "done"


def test_the_place_of_tables_and_their_format_do_not_change_the_space(spark, folder, tmp_path):
    moved = config(folder, seed=7)
    outputs = Word2VecOutputs(
        vectors=str(tmp_path / "v"),
        training_history=str(tmp_path / "h"),
        embedding_spaces=str(tmp_path / "e"),
    )
    there = run(spark, config(folder, seed=7))
    elsewhere = run(spark, moved.model_copy(update={"outputs": outputs}))
    assert elsewhere.status == "done"
    assert elsewhere.space_id == there.space_id
