"""The tables of one run of one job: what it reads, what it writes, and what it is."""

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines import __version__, tables
from pipelines.cluster import progress
from pipelines.errors import ConfigError, InputError
from pipelines.results import JobResult
from pipelines.settings import JobConfig
from pipelines.storage import parquet
from pipelines.storage.arrow import reaches
from pipelines.storage.claims import refuse_foreign
from pipelines.storage.columns import Columns
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.pieces import Pieces
from pipelines.storage.places import Place, locate
from schemas import RUN_COUNTS, TABLES, Table


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
        self._files: dict[str, tuple[str, ...]] = {}
        self._config = config
        self._inputs: Any = getattr(config, "inputs", None)
        self._outputs: Any = getattr(config, "outputs", None)
        self._require_places()

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
            frame, files = tables.read_with_files(self.spark, uri, table)
        except InputError as error:
            raise InputError(f"{error} (inputs.{name})") from error
        self._require_apart(name, uri, table)
        self.input_versions[name] = tables.version(self.spark, uri)
        self._files[name] = files
        return frame

    @cached_property
    def _places(self) -> dict[str, Place]:
        """Return where the outputs that are tables by their names lie."""
        named = {name: uri for name, uri in self._outputs or () if name in TABLES and uri}
        return {name: locate(self.spark, uri) for name, uri in named.items()}

    def _require_places(self) -> None:
        """Refuse outputs that would replace other files, before any work is done."""
        for name, place in self._places.items():
            if place.folder and place.stored_as != "delta":
                try:
                    refuse_foreign(self.files, place.folder)
                except ConfigError as error:
                    raise ConfigError(f"outputs.{name}: {error}") from error

    def _require_apart(self, name: str, uri: str, table: Table) -> None:
        """Refuse an output that would replace an input of another contract."""
        folder = locate(self.spark, uri).folder
        for output, place in self._places.items():
            if output != table.name and folder is not None and place.folder == folder:
                raise ConfigError(f"outputs.{output} is inputs.{name}: {uri}; name another place")

    def read_all(self, **wanted: Table) -> dict[str, DataFrame]:
        """Read inputs by their names, side by side: most of a read is waiting for storage and log.

        Raises:
            InputError: As `read` has it, of the first input that it holds for.
        """
        with ThreadPoolExecutor(len(wanted)) as pool:
            found = pool.map(self.read, wanted, wanted.values())
            return dict(zip(wanted, found, strict=True))

    def use_space(self, name: str, space_id: str) -> None:
        """Remember that of an input one space alone is used, whose id says what it holds.

        The run's own output may be in the same table: its version would change with each run.
        """
        self.input_versions[name] = space_id

    def columns(self, name: str, frame: DataFrame, names: Sequence[str]) -> Columns:
        """Return some columns of an input as it was read, for tasks that need no rows of Spark's.

        Args:
            name: Name of the input.
            frame: What `read` returned for it.
            names: Columns.
        """
        files = self._files[name]
        is_reached = all(reaches(file) for file in files[:1])
        return Columns(frame.select(*names), files if is_reached else ())

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
        with progress.step(f"writing {name or table.name}"):
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
        folder = self._reached(table.name)
        if folder is None:
            return self.write(pieces.frame(table), table)
        with progress.step(f"writing {table.name}"):
            return parquet.replace_by_pieces(
                self.files, pieces, table, folder, metadata=self.metadata, codec=self._codec
            )

    def write_rows(
        self,
        rows: Sequence[Sequence[Any]],
        table: Table,
        *,
        part: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> int:
        """Replace an output, or the part of it this run owns, by a few rows that the driver has.

        Args:
            rows: Values in the contract's order.
            table: The contract, whose partitions are the run's own.
            part: As `write` has it.
            name: As `write` has it.

        Returns:
            Rows written.
        """
        folder = self._reached(name or table.name)
        if folder is not None:
            try:
                parquet.replace_by_rows(
                    self.files, rows, table, folder,
                    part=part or {}, metadata=self.metadata, codec=self._codec,
                )  # fmt: skip
                return len(rows)
            except OSError:  # a store that pyarrow may only read
                pass
        frame = self.spark.createDataFrame(list(rows), table.schema()).coalesce(1)
        return self.write(frame, table, part=part, name=name)

    def _reached(self, name: str) -> str | None:
        """Return the folder of an output where Python writes it as well as Spark, else None."""
        place = locate(self.spark, self.output(name))
        is_spark = place.is_delta(self._config.format) or not reaches(str(place.folder))
        return None if is_spark else str(place.folder)

    @property
    def _codec(self) -> str:
        return str(self.spark.conf.get("spark.sql.parquet.compression.codec"))

    def finish(self, result: JobResult, *persisted: DataFrame) -> JobResult:
        """Write the run's counts to `run_counts`, release what was persisted, return the result."""
        sides = {"in": result.rows_in, "out": result.rows_out, "rejected": result.rejected}
        rows = [
            (self.job, count, kind, value)
            for kind, counts in sides.items()
            for count, value in counts.items()
        ]
        self.write_rows(rows, RUN_COUNTS, part={"job": self.job})
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
