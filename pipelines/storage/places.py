"""Where a table is and how it is stored, given a path, a URI or a catalog name."""

from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import Files
from pipelines.storage.parquet import METADATA, POINTER
from pipelines.storage.runs.claims import is_empty
from pipelines.storage.swaps import mend
from schemas.table import is_catalog_name


@dataclass(frozen=True)
class Place:
    """Where a table is: its folder, and its catalog name where it has one.

    `stored_as` is `delta`, `parquet`, or None where no table is there.
    """

    folder: str | None
    name: str | None
    stored_as: str | None

    def is_delta(self, format: str) -> bool:  # noqa: A002
        """Tell whether a write makes Delta: an existing table keeps its format."""
        if self.folder is None and format != "delta":
            raise InputError(f"{self.name}: new catalog tables are Delta; set format: delta")
        return (self.stored_as or format) == "delta"


def locate(spark: SparkSession, uri: str) -> Place:
    """Locate a table; a name of three parts is a catalog name unless such a file exists."""
    files = Files(spark)
    if is_catalog_name(uri) and not files.exists(uri):
        try:
            is_there = spark.catalog.tableExists(uri)
        except AnalysisException:  # no such catalog
            is_there = False
        if not is_there:
            return Place(None, uri, None)
        folder = delta.location(spark, uri)
        return Place(folder, uri, "delta" if delta.is_table(files, folder) else "parquet")
    folder = files.qualified(uri).rstrip("/")
    if delta.is_table(files, folder):
        return Place(folder, None, "delta")
    _mend(files, folder)
    is_there = files.exists(folder) and not files.is_folder(f"{folder}/_delta_log")
    is_table = is_there and not is_empty(files, folder, METADATA, POINTER)
    return Place(folder, None, "parquet" if is_table else None)


def _mend(files: Files, folder: str) -> None:
    """Bring back what a writer that was killed between two moves has left aside."""
    if files.exists(folder):
        mend(files, folder)
    else:
        mend(files, *folder.rsplit("/", 1))
