"""The tables that one run of one job reads and writes, and the identity of the run."""

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
from pipelines.storage.arrow import reaches
from pipelines.storage.claims import refuse_foreign
from pipelines.storage.columns import Columns
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.pieces import PiecewiseTable
from pipelines.storage.places import Place, locate
from schemas import RUN_COUNTS, TABLES, Table


class TableStore:
    """Reads the inputs and writes the outputs of one run of one job.

    Every commit records the run's id and its fingerprint, which is the table's version for later
    jobs.
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
        """Settings that change the result: all but the places and the format of tables."""
        places = {"inputs", "outputs", "format", "work"}
        return self._config.model_dump(mode="json", exclude=places)

    @property
    def format(self) -> str:
        """Storage format of new tables."""
        return self._config.format

    @property
    def config_hash(self) -> str:
        """Hash of the settings that change the result."""
        return digest(self.parameters)

    @property
    def fingerprint(self) -> str:
        """Hash of job, inputs, settings and code version; complete once all inputs are read."""
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
        """Return the places of the outputs that are named like tables."""
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

    def read_all(self, **contracts: Table) -> dict[str, DataFrame]:
        """Read inputs by name in parallel threads, as a read mostly waits for storage.

        Raises:
            InputError: As raised by `read`, for the first input that fails.
        """
        with ThreadPoolExecutor(len(contracts)) as pool:
            frames = pool.map(self.read, contracts, contracts.values())
            return dict(zip(contracts, frames, strict=True))

    def use_space(self, name: str, space_id: str) -> None:
        """Record a space's id as the version of an input from which the run uses that space alone.

        The version of the whole table changes with each staged space, also with the run's own.
        """
        self.input_versions[name] = space_id

    def columns(self, name: str, frame: DataFrame, names: Sequence[str]) -> Columns:
        """Return columns of an input for Python tasks that read its files themselves.

        Args:
            name: Name of the input.
            frame: Frame that `read` returned for it.
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
                format=self.format,
                part=part or {},
                metadata=self.metadata,
            )

    def write_pieces(self, pieces: PiecewiseTable, table: Table) -> int:
        """Replace the output named like the table by pieces that Python tasks write to files."""
        with progress.step(f"writing {table.name}"):
            return tables.write_pieces(
                self.spark,
                pieces,
                table,
                self.output(table.name),
                format=self.format,
                metadata=self.metadata,
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
            part: Partition values owned by this run; None replaces the whole table.
            name: Name of the output where it is not the table's.

        Returns:
            Rows written.
        """
        with progress.step(f"writing {name or table.name}"):
            return tables.write_rows(
                self.spark,
                rows,
                table,
                self.output(name or table.name),
                format=self.format,
                part=part or {},
                metadata=self.metadata,
            )

    def finish(self, result: JobResult, *persisted: DataFrame) -> JobResult:
        """Write the run's counts to `run_counts`, unpersist frames, and return the result."""
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
        """Metadata that each commit records about its run."""
        return {
            "vectormill": __version__,
            "job": self.job,
            "run_id": self.run_id,
            "config_hash": self.config_hash,
            "fingerprint": self.fingerprint,
            "input_versions": self.input_versions,
            "seed": self._config.seed,
        }
