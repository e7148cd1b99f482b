"""Modes of `train_word2vec`, and what may be asked of it: early end, earlier space, both sides."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines import tables
from pipelines.errors import ConfigError, InputError
from pipelines.training.rounds import RoundState
from pipelines.word2vec import native
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from pipelines.word2vec.modes import training_mode
from pipelines.word2vec.modes.runs import PackedTraining
from schemas import SENTENCES, VECTORS, VOCABULARY

TOPICS, WORDS = 3, 6


def config(**changes):
    places = {"sentences": "sentences", "vocabulary": "vocabulary"} | changes.pop("inputs", {})
    return TrainWord2VecConfig(
        inputs=Word2VecInputs(**places),
        outputs=Word2VecOutputs(vectors="vectors"),
        **{"vector_size": 8, "max_iter": 6, "step_size": 0.05, "sample": 0, "threads": 1} | changes,
    )


def corpus(spark, tokens=TOPICS * WORDS):
    """Sentences that stay within one of three topics of six words each."""
    rng = np.random.default_rng(5)
    rows = [
        (f"d:{n}", "d", (rng.integers(0, WORDS, 20) + WORDS * (n % TOPICS)).tolist())
        for n in range(900)
    ]
    vocabulary = [(n, f"t{n // WORDS}w{n % WORDS}", 1000, 1) for n in range(tokens)]
    return {
        "sentences": spark.createDataFrame(rows, SENTENCES.schema()).coalesce(2).cache(),
        "vocabulary": spark.createDataFrame(vocabulary, VOCABULARY.schema()).coalesce(1).cache(),
    }


@pytest.fixture(scope="module")
def frames(spark):
    return corpus(spark)


def train(spark, frames, place, **changes):
    trained = native.train(frames, config(**changes), RoundState(spark, str(place)))
    rows = trained.vectors.orderBy("entity", "key").collect()
    return {(r["entity"], r["key"]): np.array(r["vector"]) for r in rows}, trained


def dying(real, last):
    """Return a `RoundState.write_by_frame` that is killed before it keeps a frame of that name."""

    def write(state, name, frame, **options):
        if name == last:
            raise KeyboardInterrupt
        real(state, name, frame, **options)

    return write


def topics_found(vectors):
    """Return the share of words whose nearest words are those of their own topic."""
    words = {key: v / np.linalg.norm(v) for (entity, key), v in vectors.items() if entity == "word"}
    right = 0
    for key, vector in words.items():
        nearest = sorted(words, key=lambda other: -float(vector @ words[other]))[1:WORDS]
        right += {other[:2] for other in nearest} == {key[:2]}
    return right / len(words)


@pytest.mark.parametrize(
    "architecture", ["skip_gram", pytest.param("cbow", marks=pytest.mark.slow)]
)
def test_trainers_that_are_merged_recover_planted_topics(
    spark, frames, tmp_path, monkeypatch, architecture
):
    seen, steps, step = [], [], native.progress.step
    monkeypatch.setattr(native.progress, "report", lambda **measures: seen.append(measures))
    monkeypatch.setattr(native.progress, "step", lambda name: steps.append(name) or step(name))
    vectors, trained = train(
        spark,
        frames,
        tmp_path,
        mode="replicated",
        trainers=5,
        rounds=12,
        held_out_share=0.05,
        architecture=architecture,
    )
    assert len(vectors) == TOPICS * WORDS
    assert topics_found(vectors) == 1
    assert trained.measures["mode"].startswith("replicated: 5 trainers, 1 thread")
    losses = [value for _, metric, value in trained.history if metric == "held_out_loss"]
    assert len(losses) == 12
    assert losses[-1] < losses[0]
    assert {number for number, *_ in trained.history} == set(range(1, 13))
    assert [each["round"] for each in seen] == [f"{n}/12" for n in range(1, 13)]
    assert steps == ["packing sentences", *(f"round {n} of 12" for n in range(1, 13))]
    assert seen[-1]["loss"] == losses[-1]
    assert all(each["tokens_per_second"] > 0 and each["learning_rate"] > 0 for each in seen)
    assert seen[0]["seconds_left"] >= seen[-1]["seconds_left"] == 0


def test_a_killed_replicated_run_goes_on_to_the_same_bytes(spark, frames, tmp_path, monkeypatch):
    asked = {"mode": "replicated", "trainers": 3, "rounds": 4, "max_iter": 1}
    whole, _ = train(spark, frames, tmp_path / "whole", **asked)
    with monkeypatch.context() as patched:
        patched.setattr(RoundState, "write_by_frame", dying(RoundState.write_by_frame, "round=3"))
        with pytest.raises(KeyboardInterrupt):
            train(spark, frames, tmp_path / "killed", **asked)
    resumed, trained = train(spark, frames, tmp_path / "killed", **asked)
    assert all((whole[key] == resumed[key]).all() for key in whole)
    assert {number for number, *_ in trained.history} == set(range(1, 5))


def test_parts_that_go_around_recover_planted_topics_and_resume_to_the_same_bytes(
    spark, frames, tmp_path, monkeypatch
):
    asked = {
        "mode": "rotated",
        "trainers": 3,
        "rounds": 4,
        "max_iter": 2,
        "held_out_share": 0.05,
        "keep_context_vectors": True,
    }
    whole, trained = train(spark, frames, tmp_path / "whole", **asked)
    assert len(whole) == 2 * TOPICS * WORDS
    assert topics_found(whole) == 1
    assert trained.measures["mode"].startswith("rotated: 3 trainers, 1 thread")
    losses = [value for _, metric, value in trained.history if metric == "held_out_loss"]
    assert len(losses) == 12
    assert losses[-1] < losses[3]
    with monkeypatch.context() as patched:
        patched.setattr(RoundState, "write_by_frame", dying(RoundState.write_by_frame, "round=6"))
        with pytest.raises(KeyboardInterrupt):
            train(spark, frames, tmp_path / "killed", **asked)
    resumed, _ = train(spark, frames, tmp_path / "killed", **asked)
    assert all((whole[key] == resumed[key]).all() for key in whole)


@pytest.mark.slow
def test_tasks_do_not_change_what_trainers_learn(spark, frames, tmp_path, monkeypatch):
    asked = {"mode": "replicated", "trainers": 4, "rounds": 2, "max_iter": 1}
    spread, _ = train(spark, frames, tmp_path / "spread", **asked)
    real = training_mode.choose_mode

    def one_task(*args, **kwargs):
        choice = real(*args, **kwargs)
        return training_mode.TrainingMode(
            choice.mode, choice.why, choice.threads, choice.trainers, tasks=1
        )

    monkeypatch.setattr(training_mode, "choose_mode", one_task)
    together, _ = train(spark, frames, tmp_path / "together", **asked)
    assert all((spread[key] == together[key]).all() for key in spread)


def epoch_losses(trained):
    """Return the held-out loss at the end of each epoch."""
    rounds = {}
    for number, metric, value in trained.history:
        rounds.setdefault(number, {})[metric] = value
    return list({own["epoch"]: own["held_out_loss"] for own in rounds.values()}.values())


@pytest.mark.parametrize(
    "asked", [{}, {"mode": "replicated", "trainers": 2, "rounds": 6, "step_size": 0.1}]
)
def test_training_stops_when_an_epoch_gains_too_little(spark, frames, tmp_path, asked):
    """The limit is half-way between the gains of two epochs, as a run to the end measured them."""
    asked = {"max_iter": 6, "held_out_share": 0.05} | asked
    whole = epoch_losses(train(spark, frames, tmp_path / "whole", **asked)[1])
    gains = [1 - after / before for before, after in pairwise(whole)]
    lower = next(n for n in range(1, 4) if gains[n] < min(gains[:n]))  # of five, not the last
    limit = (min(gains[:lower]) + gains[lower]) / 2
    _, trained = train(spark, frames, tmp_path / "stopped", early_stopping=limit, **asked)
    assert epoch_losses(trained) == pytest.approx(whole[: lower + 2], rel=1e-6)


@pytest.mark.parametrize("mode", ["packed", "replicated", "rotated"])
def test_four_times_the_rate_and_a_token_that_is_half_the_corpus_leave_finite_vectors(
    spark, tmp_path, mode
):
    rng = np.random.default_rng(3)
    tokens = np.where(rng.random((600, 20)) < 0.5, 0, rng.integers(0, 200, (600, 20)))
    counts = np.bincount(tokens.ravel(), minlength=200).tolist()
    frames = {
        "sentences": spark.createDataFrame(
            [(f"d:{n}", "d", row) for n, row in enumerate(tokens.tolist())], SENTENCES.schema()
        ),
        "vocabulary": spark.createDataFrame(
            [(n, f"t{n}", count, 1) for n, count in enumerate(counts)], VOCABULARY.schema()
        ),
    }
    vectors, _ = train(
        spark,
        frames,
        tmp_path,
        mode=mode,
        trainers=2,
        rounds=4,
        max_iter=2,
        threads=2,
        step_size=0.1,
        sample=1e-3,
        vector_size=16,
        keep_context_vectors=True,
    )
    assert len(vectors) == 2 * 200
    assert all(np.isfinite(vector).all() for vector in vectors.values())


def test_vectors_that_are_not_finite_end_in_an_error_that_names_the_setting_each_time(
    spark, frames, tmp_path, monkeypatch
):
    real, written = PackedTraining.measured, []
    monkeypatch.setattr(
        PackedTraining,
        "measured",
        lambda run, number: [m | {"is_finite": 0.0} for m in real(run, number)],
    )
    write = RoundState.write_by_frame
    monkeypatch.setattr(
        RoundState, "write_by_frame", lambda s, name, f: written.append(name) or write(s, name, f)
    )
    for _ in range(2):  # the last round of the first run is kept, and is no result of the second
        with pytest.raises(ConfigError, match=r"step_size: 0\.05 is too high: vectors grew"):
            train(spark, frames, tmp_path, max_iter=1)
    assert written == ["round=1"]


def test_trainers_may_have_no_sentence_in_a_round(spark, frames, tmp_path):
    few = frames | {"sentences": frames["sentences"].limit(2)}
    vectors, trained = train(
        spark, few, tmp_path, mode="replicated", trainers=4, rounds=6, max_iter=2, held_out_share=0
    )
    assert len(vectors) == TOPICS * WORDS
    assert all(np.isfinite(vector).all() for vector in vectors.values())
    assert {number for number, *_ in trained.history} == set(range(1, 7))


@pytest.mark.slow
@pytest.mark.parametrize("mode", [pytest.param("packed", marks=pytest.mark.slow), "replicated"])
def test_an_earlier_space_is_gone_on_from_with_a_grown_vocabulary(spark, frames, tmp_path, mode):
    first, trained = train(spark, frames, tmp_path / "first", keep_context_vectors=True)
    assert {entity for entity, _ in first} == {"word", "word_context"}
    space = trained.vectors.selectExpr("'s' AS space_id", "*")
    tables.write(space, VECTORS, str(tmp_path / "space"), format="parquet", part={}, metadata={})
    earlier = tables.read(spark, str(tmp_path / "space"), VECTORS)
    grown = corpus(spark, tokens=TOPICS * WORDS + 1) | {"initial_vectors": earlier}
    asked = {
        "mode": mode,
        "trainers": 2,
        "max_iter": 1,
        "rounds": 1,
        "keep_context_vectors": True,
        "inputs": {"initial_vectors": "space"},
    }
    second, _ = train(spark, grown, tmp_path / "second", step_size=1e-9, **asked)
    assert ("word", f"t{TOPICS}w0") in second
    # at a rate of nothing the model is what it began as
    assert all(second[key] == pytest.approx(first[key], abs=1e-5) for key in first)
    third, _ = train(spark, grown, tmp_path / "third", **asked)
    del third["word", f"t{TOPICS}w0"], third["word_context", f"t{TOPICS}w0"]
    assert topics_found(third) == 1
    with pytest.raises(InputError, match="vectors of 8 components, and vector_size is 9"):
        train(spark, grown, tmp_path / "fourth", vector_size=9, **asked)


def test_the_mode_follows_from_cluster_corpus_and_model(monkeypatch):
    def chosen(executors, *, tokens, vocabulary_size=10_000, memory=8 << 30, begun=None, **asked):
        monkeypatch.setattr(training_mode, "executor_threads", lambda _: 4)
        monkeypatch.setattr(training_mode, "executor_memory", lambda _: memory)
        context = type("C", (), {"defaultParallelism": 4 * executors})
        session = type("S", (), {"sparkContext": context})
        asked = {"threads": None, "max_iter": 3} | asked
        return training_mode.choose_mode(
            session, config(**asked), vocabulary_size=vocabulary_size, tokens=tokens, begun=begun
        )

    assert chosen(1, tokens=10**10).why == "one executor"
    assert chosen(8, tokens=10**6).why == "one executor alone takes about 1 s"
    large = chosen(8, tokens=10**10)
    assert (large.mode, large.trainers, large.tasks, large.threads) == ("replicated", 8, 8, 4)
    assert "would take about 125 min" in large.why
    waves = chosen(2, tokens=1, mode="replicated", trainers=64)
    assert (waves.threads, waves.trainers, waves.tasks) == (1, 64, 8)
    begun = chosen(1, tokens=10**6, begun={"mode": "replicated", "trainers": 8})
    assert (begun.mode, begun.trainers, begun.why) == ("replicated", 8, "as it began")
    parts = chosen(8, tokens=1, vocabulary_size=10**9)  # 64e9 bytes, and 7 GiB for each part
    assert (parts.mode, parts.trainers, parts.tasks, parts.threads) == ("rotated", 9, 8, 4)
    assert parts.why == "packed would take 60.6 GiB of an executor, which has 8.0"
    for impossible in ({"architecture": "cbow"}, {"mode": "replicated"}, {"memory": 1 << 30}):
        with pytest.raises(ConfigError, match=r"raise spark\.executor\.memoryOverhead"):
            chosen(8, **{"tokens": 1, "vocabulary_size": 10**9} | impossible)


def test_what_mllib_cannot_do_is_refused():
    with pytest.raises(ValidationError, match="early_stopping needs engine: native"):
        config(engine="mllib", early_stopping=0.1)
    with pytest.raises(ValidationError, match="needs a held_out_share above 0"):
        config(early_stopping=0.1, held_out_share=0)


def test_what_mode_rotated_cannot_do_is_refused():
    with pytest.raises(ValidationError, match="rotated needs architecture: skip_gram"):
        config(mode="rotated", architecture="cbow")
    with pytest.raises(ValidationError, match=r"cannot begin from inputs\.initial_vectors"):
        config(mode="rotated", inputs={"initial_vectors": "space"})
