"""Small trainings that kill their session or go on in another: made alike in any process."""

import hashlib
from datetime import UTC, datetime

import numpy as np

from pipelines.als import native as als
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.training.rounds import RoundState
from pipelines.word2vec import native as word2vec
from pipelines.word2vec.config import TrainWord2VecConfig, Word2VecInputs, Word2VecOutputs
from schemas import INTERACTIONS, ITEM_IDS, SENTENCES, USER_IDS, VOCABULARY


def train(spark, stage, mode, place):
    """Train from the rounds kept in a folder; return a digest of the vectors, and how it was."""
    of = {"word2vec": train_word2vec, "als": train_als}[stage]
    trained, how = of(spark, mode, RoundState(spark, str(place)))
    vectors = trained.vectors.orderBy("entity", "key").toArrow()["vector"].combine_chunks()
    digest = hashlib.sha256(vectors.flatten().to_numpy().tobytes()).hexdigest()
    return {"bytes": digest, "how": trained.measures[how]}


def train_word2vec(spark, mode, state):
    """Train 18 tokens in three rounds or more."""
    rng = np.random.default_rng(5)
    rows = [(str(n), "d", (rng.integers(0, 6, 20) + 6 * (n % 3)).tolist()) for n in range(600)]
    tokens = [(n, f"t{n}", 700, 1) for n in range(18)]
    config = TrainWord2VecConfig(
        inputs=Word2VecInputs(sentences="s", vocabulary="v"),
        outputs=Word2VecOutputs(vectors="v"),
        vector_size=8,
        max_iter=3,
        mode=mode,
        trainers=4,
        rounds=3,
        sample=0,
        tokens_per_round=1,
        threads=1,
    )
    frames = {
        "sentences": spark.createDataFrame(rows, SENTENCES.schema()),
        "vocabulary": spark.createDataFrame(tokens, VOCABULARY.schema()),
    }
    return word2vec.train(frames, config, state), "mode"


def train_als(spark, layout, state):
    """Train 200 users and items in three sweeps."""
    rng, noon = np.random.default_rng(5), datetime(2026, 1, 1, 12, tzinfo=UTC)
    pairs = [
        (u, i, 1.0, 1, noon, noon, "train")
        for u in range(200)
        for i in range(90)
        if rng.random() < (0.5 if u % 3 == i % 3 else 0.05)
    ]
    users, items = ([(n, f"{side}{n}", 1, False) for n in range(200)] for side in "ui")
    frames = {
        "interactions": spark.createDataFrame(pairs, INTERACTIONS.schema()),
        "user_ids": spark.createDataFrame(users, USER_IDS.schema()),
        "item_ids": spark.createDataFrame(items, ITEM_IDS.schema()),
    }
    config = TrainAlsConfig(
        inputs=AlsInputs(interactions="i", user_ids="u", item_ids="d"),
        outputs=AlsOutputs(vectors="v"),
        rank=8,
        max_iter=3,
        layout=layout,
        num_blocks=8,
    )
    return als.train(frames, config, state), "layout"
