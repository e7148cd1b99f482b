"""The tables of one run of one job: what it reads, what it writes, and what it is."""

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from pipelines import __version__, tables
from pipelines.errors import InputError
from pipelines.results import JobResult
from pipelines.settings import JobConfig, digest
from pipelines.storage import delta, parquet
from pipelines.storage.arrow import reaches
from pipelines.storage.columns import Columns
from pipelines.storage.hadoop import Files
from pipelines.storage.pieces import Pieces
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
            frame = tables.read(self.spark, uri, table)
        except InputError as error:
            raise InputError(f"{error} (inputs.{name})") from error
        self.input_versions[name] = tables.version(self.spark, uri)
        return frame

    def read_all(self, **wanted: Table) -> dict[str, DataFrame]:
        """Read inputs by their names, side by side: most of a read is waiting for storage and log.

        Raises:
            InputError: As `read` has it, of the first input that it holds for.
        """
        with ThreadPoolExecutor(len(wanted)) as pool:
            found = pool.map(self.read, wanted, wanted.values())
            return dict(zip(wanted, found, strict=True))

    def columns(self, name: str, frame: DataFrame, names: Sequence[str]) -> Columns:
        """Return some columns of an input as it was read, for tasks that need no rows of Spark's.

        Args:
            name: Name of the input.
            frame: What `read` returned for it.
            names: Columns.
        """
        place = locate(self.spark, str(getattr(self._inputs, name)))
        files = tuple(frame.inputFiles())
        if place.stored_as == "parquet":  # Spark's are URIs, Delta's plain paths
            files = tuple(unquote(file) for file in files)
        elif not delta.is_plain(self.spark, str(place.folder)):
            files = ()
        if not all(reaches(file) for file in files[:1]):
            files = ()
        return Columns(frame.select(*names), files)

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
        return tables.write(
            frame,
            table,
            self.output(name or table.name),
            format=self._config.format,
            part=part or {},
            metadata=self.metadata,
        )

    def write_pieces(self, pieces: Pieces, table: Table) -> int:
        """Replace the output named like the table, by the tasks that make it; return its rows.

        Delta's own writer writes Delta tables: their commits need what it knows of each file. Spark
        writes where tasks of Python cannot.
        """
        place = locate(self.spark, self.output(table.name))
        folder = str(place.folder)
        if place.is_delta(self._config.format) or not reaches(folder):
            return self.write(pieces.frame(table), table)
        codec = str(self.spark.conf.get("spark.sql.parquet.compression.codec"))
        return parquet.replace_by_pieces(
            self.files, pieces, table, folder, metadata=self.metadata, codec=codec
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
