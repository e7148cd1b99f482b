"""`train_word2vec`: planted topics are recovered by both engines, and a space is trained once."""

import numpy as np
import pytest
from stored import read_rows, store

from jobs.train_word2vec import run
from pipelines import tables
from pipelines.errors import InputError
from pipelines.spaces.registry import newest_space
from pipelines.training.rounds import RoundState
from pipelines.word2vec import native
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from schemas import (
    EMBEDDING_SPACES,
    ITEM_IDS,
    SENTENCES,
    TRAINING_HISTORY,
    VECTORS,
    VOCABULARY,
)

TOPICS, WORDS = 2, 5
NATIVE = {"epoch", "held_out_loss", "learning_rate", "tokens_per_second", "seconds"}


def config(tmp_path, **changes):
    return TrainWord2VecConfig(
        inputs=Word2VecInputs(
            sentences=str(tmp_path / "sentences"), vocabulary=str(tmp_path / "vocabulary")
        ),
        outputs=Word2VecOutputs(vectors=str(tmp_path / "vectors")),
        format="parquet",
        **{"vector_size": 8, "max_iter": 3, "step_size": 0.05, "sample": 0} | changes,
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
        uri, metadata = str(folder / table.name), {"fingerprint": table.name}
        tables.write_rows(spark, content, table, uri, format="parquet", part={}, metadata=metadata)
    return folder


@pytest.mark.parametrize(
    ("engine", "architecture", "measured"),
    [
        ("mllib", "skip_gram", {"seconds"}),
        ("native", "skip_gram", NATIVE),
        ("native", "cbow", NATIVE),
    ],
)
def test_planted_topics_are_nearer_to_themselves(spark, folder, engine, architecture, measured):
    epochs = 3 if engine == "mllib" else 20
    result = run(
        spark,
        config(
            folder, engine=engine, architecture=architecture, max_iter=epochs, held_out_share=0.05
        ),
    )
    stored = read_rows(folder / "vectors", VECTORS)
    rows = [r for r in stored if r["space_id"] == result.space_id]
    vectors = {r["key"]: np.array(r["vector"]) / r["norm"] for r in rows}
    assert len(vectors) == result.rows_out["vectors"] == TOPICS * WORDS
    assert all(np.linalg.norm(v) == pytest.approx(1, abs=1e-5) for v in vectors.values())
    for key, vector in vectors.items():
        nearest = sorted(vectors, key=lambda other: -float(vectors[other] @ vector))[1:WORDS]
        assert {other[:2] for other in nearest} == {key[:2]}
    history = read_rows(folder / "training_history", TRAINING_HISTORY)
    own = [r for r in history if r["space_id"] == result.space_id]
    assert {r["metric"] for r in own} == measured
    if engine == "native":
        assert {r["round"] for r in own} == set(range(1, epochs + 1))
    assert not list((folder / "work").rglob("round=*")), (
        "rounds are deleted when the space is staged"
    )


def test_a_space_is_trained_once_and_again_only_when_its_vectors_are_gone(
    spark, folder, monkeypatch
):
    trained = []
    real = native.train
    monkeypatch.setattr(native, "train", lambda *a: trained.append(1) or real(*a))
    first = run(spark, config(folder, seed=7))
    again = run(spark, config(folder, seed=7))
    assert (first.space_id, again.status, len(trained)) == (again.space_id, "unchanged", 1)
    other = run(spark, config(folder, seed=8))
    assert other.space_id != first.space_id
    spaces = tables.read(spark, str(folder / "embedding_spaces"), EMBEDDING_SPACES)
    assert newest_space(spaces, "word").space_id == other.space_id
    run(spark, config(folder, seed=7))  # asked for again: the newest of its name
    spaces = tables.read(spark, str(folder / "embedding_spaces"), EMBEDDING_SPACES)
    assert newest_space(spaces, "word").space_id == first.space_id
    damaged = [(first.space_id, "word", "t0w0", [0.0] * 8, 0.0)]
    store(damaged, VECTORS, folder / "vectors")
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


def test_a_killed_run_goes_on_from_its_last_round_to_the_same_bytes(
    spark, folder, tmp_path, monkeypatch
):
    def settings(place):
        outputs = Word2VecOutputs(
            vectors=str(tmp_path / place / "vectors"),
            training_history=str(tmp_path / place / "history"),
            embedding_spaces=str(tmp_path / place / "spaces"),
        )
        changed = config(folder, threads=1, max_iter=4, tokens_per_round=6000, seed=11)
        return changed.model_copy(update={"outputs": outputs})

    whole = run(spark, settings("whole"))
    real = RoundState.write_by_frame

    def dies(state, name, frame, **options):
        if name == "round=3":
            raise KeyboardInterrupt
        real(state, name, frame, **options)

    monkeypatch.setattr(RoundState, "write_by_frame", dies)
    with pytest.raises(KeyboardInterrupt):
        run(spark, settings("killed"))
    kept = [p.name for p in (tmp_path / "killed" / "work").rglob("round=*") if p.is_dir()]
    assert kept == ["round=2"]
    written = []
    monkeypatch.setattr(
        RoundState,
        "write_by_frame",
        lambda s, name, f, **o: written.append(name) or real(s, name, f, **o),
    )
    resumed = run(spark, settings("killed"))
    assert written == ["round=3", "round=4"]
    assert resumed.space_id == whole.space_id
    found = [
        sorted(read_rows(tmp_path / place / "vectors", VECTORS), key=lambda row: row["key"])
        for place in ("whole", "killed")
    ]
    assert found[0] == found[1]


def test_vectors_do_not_depend_on_how_sentences_are_partitioned(spark, folder):
    frames = {
        "sentences": tables.read(spark, str(folder / "sentences"), SENTENCES),
        "vocabulary": tables.read(spark, str(folder / "vocabulary"), VOCABULARY),
    }
    found = []
    for partitions in (1, 5):
        state = RoundState(spark, str(folder / f"work{partitions}"))
        split = frames | {"sentences": frames["sentences"].repartition(partitions)}
        trained = native.train(split, config(folder, threads=1), state)
        found.append(trained.vectors.orderBy("key").collect())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("sentences", "tokens", "told"),
    [
        ([[0, 1, 7]], 2, "token id 7 is not in inputs.vocabulary"),
        ([[0, 1, -1]], 2, "token id -1 is not in inputs.vocabulary"),
        ([[0], [1], []], 2, "no token has another beside it"),
        ([[0, 0]], 1, "1 tokens, and training needs two"),
    ],
)
def test_what_cannot_be_trained_is_an_input_error(spark, tmp_path, sentences, tokens, told):
    frames = {
        "sentences": spark.createDataFrame(
            [(str(n), "d", ids) for n, ids in enumerate(sentences)], SENTENCES.schema()
        ),
        "vocabulary": spark.createDataFrame(
            [(n, f"t{n}", 3, 1) for n in range(tokens)], VOCABULARY.schema()
        ),
    }
    with pytest.raises(InputError, match=told):
        native.train(frames, config(tmp_path), RoundState(spark, str(tmp_path / "work")))


def test_one_sentence_and_two_tokens_are_enough(spark, tmp_path):
    frames = {
        "sentences": spark.createDataFrame([("s", "d", [0, 1])], SENTENCES.schema()),
        "vocabulary": spark.createDataFrame([(0, "a", 1, 1), (1, "b", 1, 1)], VOCABULARY.schema()),
    }
    state = RoundState(spark, str(tmp_path / "work"))
    trained = native.train(frames, config(tmp_path), state)
    assert {row["key"] for row in trained.vectors.collect()} == {"a", "b"}


def test_sessions_give_item_vectors_and_retired_items_have_none(spark, folder, tmp_path):
    ids = [(n, f"t{n // WORDS}w{n % WORDS}", 100, False) for n in range(TOPICS * WORDS)]
    ids += [(TOPICS * WORDS, "retired", 5, True), (TOPICS * WORDS + 1, "unseen", 0, False)]
    store(ids, ITEM_IDS, tmp_path / "item_ids")
    asked = config(folder, entity="item", space_name="items", max_iter=20, ns_exponent=-0.5)
    places = {
        "inputs": Word2VecInputs(
            sentences=str(folder / "sentences"), vocabulary=str(tmp_path / "item_ids")
        ),
        "outputs": Word2VecOutputs(vectors=str(tmp_path / "vectors")),
    }
    run(spark, asked.model_copy(update=places))
    rows = read_rows(tmp_path / "vectors", VECTORS)
    assert {row["entity"] for row in rows} == {"item"}
    vectors = {r["key"]: np.array(r["vector"]) / r["norm"] for r in rows}
    assert set(vectors) == {key for _, key, *_ in ids[:-2]}
    for key, vector in vectors.items():
        nearest = sorted(vectors, key=lambda other: -float(vectors[other] @ vector))[1:WORDS]
        assert {other[:2] for other in nearest} == {key[:2]}
