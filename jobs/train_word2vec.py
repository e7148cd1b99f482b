"""Train word vectors (or item vectors on sessions) into a staged embedding space."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.results import JobResult
from pipelines.spaces.registry import read_initial_vectors
from pipelines.spaces.staging import stage
from pipelines.table_store import TableStore
from pipelines.word2vec.config import TrainWord2VecConfig
from pipelines.word2vec.frames import train
from pipelines.word2vec.vectors import items_as_tokens
from schemas import ITEM_IDS, SENTENCES, VOCABULARY

CONFIG = TrainWord2VecConfig


def run(spark: SparkSession, config: TrainWord2VecConfig) -> JobResult:
    """Read sentences and vocabulary, train unless the space is there, and stage its vectors."""
    store = TableStore(spark, config, job="train_word2vec")
    is_of_words = config.entity == "word"
    frames = store.read_all(sentences=SENTENCES, vocabulary=VOCABULARY if is_of_words else ITEM_IDS)
    if not is_of_words:
        frames["vocabulary"] = items_as_tokens(frames["vocabulary"])
    if config.inputs.initial_vectors:
        frames["initial_vectors"] = read_initial_vectors(store, config.initial_space_id)
    files = store.columns("sentences", frames["sentences"], ["sentence_id", "token_ids"]).files
    return stage(
        store,
        name=config.space_name,
        metric="cosine",
        train=lambda state: train(frames, config, state, files),
        work=config.work,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
