"""Finding documents that are not kept because of another one: by one task, or by shuffles."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster.executors import executor_bytes
from pipelines.cluster.one_task import in_one_task
from pipelines.corpus import deciding
from pipelines.corpus.by_tasks.losers import Lost, PackedLosers
from pipelines.corpus.by_tasks.spilled import Spilled
from pipelines.results import JobResult
from schemas import DUPLICATE_DOCUMENTS

_MARGIN = 1 << 28  # bytes that a worker needs besides documents
_COPIES = 4  # of narrow rows, as one task decides on them
_NONE = Lost(deciding.Losses(0, 0, 0), [], [], "")


@dataclass(frozen=True)
class Losing:
    """Documents that are lost, by the way in which they were found.

    Args:
        lost: How many, and the tasks that judged them.
        frame: Rows of `duplicate_documents`, where Spark found them.
    """

    lost: Lost
    frame: DataFrame | None = None

    def stage(self, spilled: Spilled, result: JobResult) -> None:
        """Stage the duplicates."""
        store, name = spilled.store, DUPLICATE_DOCUMENTS.name
        if self.frame is None:
            pieces = store.scratch.pieces(spilled.writers[name], self.lost.duplicates)
            result.rows_out[name], _ = store.stage_pieces(pieces, DUPLICATE_DOCUMENTS)
            return
        is_empty = not self.lost.losses.duplicates
        result.rows_out[name] = store.stage(self.frame, DUPLICATE_DOCUMENTS, is_empty=is_empty)


def find(spilled: Spilled) -> Losing:
    """Find them: by one task if narrow rows fit its executor."""
    if not spilled.narrow:
        return Losing(_NONE)
    store = spilled.store
    if _MARGIN + _COPIES * spilled.narrow_bytes > executor_bytes(store.spark):
        return _by_shuffles(spilled)
    writer = spilled.writers[DUPLICATE_DOCUMENTS.name]
    return Losing(in_one_task(store.spark, PackedLosers(spilled.narrow, writer, spilled.folder)))


def _by_shuffles(spilled: Spilled) -> Losing:
    spark, folder = spilled.store.spark, f"{spilled.folder}/lost"
    found = deciding.find_lost(spilled.narrow_rows())
    listed = found.withColumnRenamed("_is_repeated", "is_repeated")
    listed.repartition("task").write.partitionBy("task").parquet(folder)
    lost = spark.read.schema(listed.schema).parquet(folder)
    tasks = [row[0] for row in lost.select("task").distinct().collect()]  # one per task
    losses = deciding.count_losses(lost.withColumnRenamed("is_repeated", "_is_repeated"))
    duplicates = lost.where(F.col("kept_doc_id").isNotNull())
    chosen = duplicates.select(DUPLICATE_DOCUMENTS.column_names)
    return Losing(Lost(losses, tasks, [], folder), chosen)
