"""Judged records to the outputs of a run: kept ones, rejected ones, files that broke off."""

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame

from pipelines.results import JobResult
from pipelines.table_store import TableStore
from schemas import TABLES


def stage_parts(
    store: TableStore, result: JobResult, parts: Mapping[str, DataFrame], *, empty: Collection[str]
) -> None:
    """Stage outputs in their order, and note the rows of each in the result.

    Args:
        store: The tables of the run.
        result: Its result.
        parts: Rows by the name of the output; a user's own columns follow the contract's.
        empty: Names of those that are known to have no rows.
    """
    for name, frame in parts.items():
        own = frame.columns[len(TABLES[name].columns) :]
        table = TABLES[name].with_own(own)
        result.rows_out[name] = store.stage(frame, table, is_empty=name in empty)
