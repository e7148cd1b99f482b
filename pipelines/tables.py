"""The only reader and writer of tables: Parquet and Delta, by path, URI or catalog name."""

import uuid
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines import __version__
from pipelines.errors import InputError
from pipelines.results import JobResult
from pipelines.settings import JobConfig, digest
from pipelines.storage import delta, parquet
from pipelines.storage.conform import conform
from pipelines.storage.freshness import fresh
from pipelines.storage.hadoop import Files
from pipelines.storage.places import locate
from schemas import RUN_COUNTS, Table


class TableStore:
    """The tables of one run of one job: reads its inputs, writes its outputs, knows its identity.

    Every commit carries the run's id and its fingerprint, by which the next job knows its input.
    """

    def __init__(self, spark: SparkSession, config: JobConfig, *, job: str) -> None:
        self.spark = spark
        self.files = Files(spark)
        self.job = job
        self.run_id = uuid.uuid4().hex
        self.input_versions: dict[str, str] = {}
        self._config = config
        self._inputs: Any = getattr(config, "inputs", None)
        self._outputs: Any = getattr(config, "outputs", None)

    @property
    def parameters(self) -> dict[str, Any]:
        """Settings that shape the result: not where tables lie, nor how they are stored."""
        places = {"inputs", "outputs", "format", "work"}
        return self._config.model_dump(mode="json", exclude=places)

    @property
    def format(self) -> str:
        """Storage format of new tables."""
        return self._config.format

    @property
    def config_hash(self) -> str:
        """Hash of the settings that shape the result."""
        return digest(self.parameters)

    @property
    def fingerprint(self) -> str:
        """Hash of all that the run's results follow from, once its inputs have been read."""
        return digest([self.job, self.input_versions, self.parameters, __version__])

    def read(self, name: str, table: Table) -> DataFrame:
        """Read the input of this name and remember its version.

        Raises:
            InputError: The table is missing, broken, or not what the contract says.
        """
        uri = str(getattr(self._inputs, name))
        try:
            frame = read(self.spark, uri, table)
        except InputError as error:
            raise InputError(f"{error} (inputs.{name})") from error
        self.input_versions[name] = version(self.spark, uri)
        return frame

    def output(self, name: str) -> str:
        """Return where the output of this name lies."""
        return str(getattr(self._outputs, name))

    def write(
        self,
        frame: DataFrame,
        table: Table,
        *,
        part: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> int:
        """Replace the output named like the table, or the part of it this run owns.

        Args:
            frame: Rows in any column order.
            table: The contract.
            part: Partition values owned by this run; None replaces the whole table.
            name: Name of the output where it is not the table's.

        Returns:
            Rows written.
        """
        return write(
            frame,
            table,
            self.output(name or table.name),
            format=self._config.format,
            part=part or {},
            metadata=self.metadata,
        )

    def finish(self, result: JobResult, *persisted: DataFrame) -> JobResult:
        """Write the run's counts to `run_counts`, release what was persisted, return the result."""
        sides = {"in": result.rows_in, "out": result.rows_out, "rejected": result.rejected}
        rows = [
            (self.job, count, kind, value)
            for kind, counts in sides.items()
            for count, value in counts.items()
        ]
        counted = self.spark.createDataFrame(rows, RUN_COUNTS.schema())
        self.write(counted.coalesce(1), RUN_COUNTS, part={"job": self.job})
        for frame in persisted:
            frame.unpersist()
        return result

    @property
    def metadata(self) -> dict[str, Any]:
        """What each commit says of the run that made it."""
        return {
            "vectormill": __version__,
            "job": self.job,
            "run_id": self.run_id,
            "config_hash": self.config_hash,
            "fingerprint": self.fingerprint,
            "input_versions": self.input_versions,
            "seed": self._config.seed,
        }


def exists(spark: SparkSession, uri: str) -> bool:
    """Tell whether a table is at this path, URI or catalog name."""
    return locate(spark, uri).stored_as is not None


def read(spark: SparkSession, uri: str, table: Table) -> DataFrame:
    """Read a table by its contract's schema; the storage format is found out.

    Raises:
        InputError: Nothing is there, a file is zero-byte, truncated or missing, or a column
            differs from the contract; file and column are named.
    """
    place = locate(spark, uri)
    if place.stored_as is None or place.folder is None:
        raise InputError(f"{uri}: no table here; run the job that writes {table.name!r} first")
    if place.stored_as == "parquet":
        return fresh(parquet.read(spark, Files(spark), place.folder, table))
    frame = delta.read(spark, Files(spark), place.folder)
    differences = list(table.differences(frame.schema))
    if differences:
        raise InputError(f"{uri}: {'; '.join(differences)} (contract of {table.name!r})")
    return fresh(frame.select(table.column_names))


def version(spark: SparkSession, uri: str) -> str:
    """Return a table's version: the fingerprint of the run that wrote it, else of its commit."""
    recorded = commit(spark, uri)
    return str(recorded["metadata"].get("fingerprint") or recorded["hash"])


def commit(spark: SparkSession, uri: str) -> dict[str, Any]:
    """Return the last commit of a table: `version`, `hash`, and `metadata` where it was ours."""
    files, place = Files(spark), locate(spark, uri)
    if place.folder is None:
        raise InputError(f"{uri}: no table here")
    if place.stored_as == "delta":
        return delta.last_commit(files, place.folder)
    folder = parquet.data_folder(files, place.folder)
    listing = [(info.relative, info.size, info.modified) for info in files.walk(folder)]
    return {
        "version": 0,
        "hash": digest(listing),
        "metadata": parquet.metadata(files, place.folder),
    }


def write(
    frame: DataFrame,
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002  (Spark's own name)
    part: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> int:
    """Replace a table, or the part of it that `part` names, and return the rows written.

    Raises:
        InputError: A column differs from the contract; the column and the difference are named.
        ConcurrentRunError: Another run changed the same part meanwhile.
    """
    spark, rows = frame.sparkSession, conform(frame, table)
    place = locate(spark, uri)
    if place.is_delta(format):
        delta.replace(
            rows,
            folder=place.folder,
            name=place.name,
            part=part,
            partitioning=table.partitioning,
            metadata=metadata,
        )
        return int(commit(spark, uri)["rows"])
    observed = Observation()
    counted = rows.observe(observed, F.count(F.lit(1)).alias("rows"))
    parquet.replace(
        Files(spark),
        counted,
        str(place.folder),
        part=part,
        partitioning=table.partitioning,
        metadata=metadata,
    )
    return int(observed.get["rows"])


def publish(
    frame: DataFrame,
    table: Table,
    uri: str,
    *,
    format: str,  # noqa: A002
    space_id: str,
    metadata: Mapping[str, Any],
) -> None:
    """Replace a published table by one space in one commit; readers see the old or the new one.

    A retry of the same publication commits once. Published tables are not partitioned.
    """
    spark, rows = frame.sparkSession, conform(frame, table)
    place = locate(spark, uri)
    if place.is_delta(format):
        generation = 0 if place.stored_as is None else commit(spark, uri)["version"] + 1
        delta.replace(
            rows,
            folder=place.folder,
            name=place.name,
            part={},
            partitioning=(),
            metadata=metadata,
            transaction=(f"publish:{uri}:{space_id}", generation),
        )
    else:
        parquet.publish(Files(spark), rows, str(place.folder), version=space_id, metadata=metadata)
