"""Cleaning by tasks that read, judge and write, and staging what they made."""

from pyspark.sql import DataFrame

from pipelines.cluster.many_tasks import in_tasks
from pipelines.corpus import deciding
from pipelines.corpus.by_tasks.finding import find
from pipelines.corpus.by_tasks.losers import Lost
from pipelines.corpus.by_tasks.spilled import Spilled, spill
from pipelines.corpus.by_tasks.spilling import Spill
from pipelines.corpus.by_tasks.units import units_of
from pipelines.corpus.by_tasks.withdrawing import Withdrawer
from pipelines.corpus.config import CleaningSettings
from pipelines.results import JobResult, first_reasons
from pipelines.table_store import TableStore
from schemas import DOCUMENTS, REJECTED_DOCUMENTS, REJECTED_FILES


def clean_by_tasks(
    store: TableStore, uris: str | list[str], settings: CleaningSettings
) -> tuple[JobResult, DataFrame] | None:
    """Clean documents and stage the tables; no text goes through the JVM.

    Returns:
        The result, and some rejected rows for messages; None where tasks cannot write the tables.

    Raises:
        ConfigError: See `judge_of`.
        InputError: See `read_records`.
    """
    spilled = spill(store, uris, settings)
    if spilled is None:
        return None
    told, losing = spilled.told, find(spilled)
    spills = _withdrawn(spilled, losing.lost)
    result = deciding.result_of(told, losing.lost.losses)
    for name, pieces in (
        (DOCUMENTS.name, [piece for each in spills for piece in each.documents]),
        (REJECTED_DOCUMENTS.name, [piece for each in spills for piece in each.rejected]),
    ):
        writer = spilled.writers[name]
        written = store.scratch.pieces(writer, pieces)
        result.rows_out[name], _ = store.stage_pieces(written, writer.table)
    losing.stage(spilled, result)
    files = spilled.broken_files()
    result.rows_out[REJECTED_FILES.name] = store.stage(
        files, REJECTED_FILES, is_empty=not told.broken
    )
    return result, first_reasons(store.spark, (one for each in spills for one in each.samples))


def _withdrawn(spilled: Spilled, lost: Lost) -> list[Spill]:
    """Return what the tasks told, those whose files were written anew as one per unit."""
    units = units_of(spilled.spills, lost.tasks)
    documents, rejected = (spilled.writers[t.name] for t in (DOCUMENTS, REJECTED_DOCUMENTS))
    withdraw = Withdrawer(documents, rejected, lost)
    new = in_tasks(spilled.store.spark, lambda number: withdraw(units[number]), len(units))
    done = {spill.task for unit in units for spill in unit.spills}
    return [*(each for each in spilled.spills if each.task not in done), *new]
