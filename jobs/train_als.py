"""Train user and item vectors by alternating least squares into a staged embedding space."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.als.config import TrainAlsConfig
from pipelines.als.frames import train
from pipelines.results import JobResult
from pipelines.spaces.registry import read_initial_vectors
from pipelines.spaces.staging import stage
from pipelines.table_store import TableStore
from schemas import INTERACTIONS, ITEM_IDS, USER_IDS

CONFIG = TrainAlsConfig


def run(spark: SparkSession, config: TrainAlsConfig) -> JobResult:
    """Read interactions and ids, train unless the space is there, and stage its vectors."""
    store = TableStore(spark, config, job="train_als")
    frames = store.read_all(interactions=INTERACTIONS, user_ids=USER_IDS, item_ids=ITEM_IDS)
    if config.inputs.initial_vectors:
        frames["initial_vectors"] = read_initial_vectors(store, config.initial_space_id)
    return stage(
        store,
        name=config.space_name,
        metric="dot",
        train=lambda state: train(frames, config, state),
        work=config.work,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
