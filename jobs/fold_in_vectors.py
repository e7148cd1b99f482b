"""Give new or changed users or items vectors in a trained space, without training again."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.als.fold_in.config import FoldInConfig
from pipelines.als.fold_in.pairs import count_pairs, gather_rows
from pipelines.als.fold_in.solving import fold_in
from pipelines.als.fold_in.space import collect_space, read_training
from pipelines.results import JobResult
from pipelines.space_rows import of_space
from pipelines.spaces.content import with_space
from pipelines.spaces.registry import choose_space
from pipelines.table_store import TableStore
from schemas import EMBEDDING_SPACES, INTERACTIONS, ITEM_IDS, TRAINING_HISTORY, USER_IDS, VECTORS

CONFIG = FoldInConfig


def run(spark: SparkSession, config: FoldInConfig) -> JobResult:
    """Solve the rows of keys that have no vector, or all, against the other side's vectors."""
    store = TableStore(spark, config, job="fold_in_vectors")
    frames = store.read_all(
        embedding_spaces=EMBEDDING_SPACES,
        vectors=VECTORS,
        training_history=TRAINING_HISTORY,
        interactions=INTERACTIONS,
        user_ids=USER_IDS,
        item_ids=ITEM_IDS,
    )
    spaces = frames.pop("embedding_spaces")
    space = choose_space(spaces, name=config.space_name, space_id=config.space_id)
    for name in ("vectors", "training_history"):
        frames[name] = of_space(frames[name], space.space_id)
    trained_with, mean = read_training(space.parameters, frames["training_history"])
    known = collect_space(frames, config, trained_with, mean)
    rows = gather_rows(frames, config, known.objective).persist(StorageLevel.DISK_ONLY)
    shared = spark.sparkContext.broadcast(known)
    count, pairs, unknown = count_pairs(rows, shared)
    folded = with_space(fold_in(rows, shared, entity=config.entity), space.space_id)
    result = JobResult(
        space_id=space.space_id, rows_in={f"{config.entity}s": count, "interactions": pairs}
    )
    result.rows_out["folded_vectors"] = store.write(
        folded, VECTORS, name="folded_vectors", part={"space_id": space.space_id}
    )
    without = count - result.rows_out["folded_vectors"]
    rejected = {"no_usable_pair": without, "unknown_key": unknown}
    result.rejected = {reason: number for reason, number in rejected.items() if number}
    return store.finish(result, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
