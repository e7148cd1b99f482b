"""The tables that one run of one job reads and writes, and the identity of the run."""

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from pyspark.sql import DataFrame, SparkSession

from pipelines import __version__, tables
from pipelines.cluster import progress
from pipelines.errors import InputError
from pipelines.results import JobResult
from pipelines.settings import JobConfig
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.places import locate
from pipelines.storage.runs.outputs import OutputPlaces
from pipelines.storage.runs.together import StagedTables, refuse_mixture
from pipelines.storage.staging import stage, stage_pieces
from pipelines.storage.task_files.arrow import reaches
from pipelines.storage.task_files.columns import Columns
from pipelines.storage.task_files.pieces import PiecewiseTable, TableOfPieces
from pipelines.storage.task_files.written_pieces import Scratch
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
        self._origins: dict[str, dict[str, Any]] = {}
        self._staged = StagedTables(self.files, job)
        self.scratch = Scratch(spark)
        self._config = config
        self._inputs: Any = getattr(config, "inputs", None)
        self._outputs: Any = getattr(config, "outputs", None)
        named = {name: uri for name, uri in self._outputs or () if name in TABLES and uri}
        self._places = OutputPlaces(spark, named)
        self._places.require_tables()

    def __enter__(self) -> Self:
        """Begin the run."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the run: what was staged and not committed is deleted."""
        self._staged.discard()
        self.scratch.delete()

    @property
    def parameters(self) -> dict[str, Any]:
        """Settings that change the rows: not the places of tables, their format and their gates."""
        others = {"inputs", "outputs", "format", "work", "allow_empty"}
        return self._config.model_dump(mode="json", exclude=others)

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
            InputError: The table is missing, broken, not what the contract says, or of another
                run than an input that belongs to it.
        """
        uri = str(getattr(self._inputs, name))
        try:
            frame, files = tables.read_with_files(self.spark, uri, table)
        except InputError as error:
            raise InputError(f"{error} (inputs.{name})") from error
        self._places.require_apart(name, uri, table.name)
        commit = tables.commit(self.spark, uri)
        self.input_versions[name] = tables.version_of(commit)
        self._files[name], self._origins[name] = files, commit["metadata"]
        refuse_mixture(dict(self._origins))
        return frame

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

        The frame is what `read` returned for the input of this name.
        """
        files = self._files[name]
        is_reached = all(reaches(file) for file in files[:1])
        return Columns(frame.select(*names), files if is_reached else ())

    def output(self, name: str) -> str:
        """Return where the output of this name lies."""
        return str(getattr(self._outputs, name))

    def stage(
        self, frame: DataFrame, table: Table, *, may_be_ahead: bool = False, is_empty: bool = False
    ) -> int:
        """Write the rows of an output that replaces the table when the run is finished.

        Args:
            frame: Rows in any column order.
            table: The contract, after which the output is named.
            may_be_ahead: Rows are only ever added, so that readers may use the table with others
                of an earlier run. Such a table is staged, and so committed, before the others.
            is_empty: The frame is known to have no rows.

        Returns: Rows written.
        """
        with progress.step(f"writing {table.name}"):
            place = locate(self.spark, self.output(table.name))
            staged = stage(frame, table, place, format=self.format, part={}, is_empty=is_empty)
            self._staged.add(table.name, staged, place, may_be_ahead=may_be_ahead)
        return staged.rows

    def stage_pieces(
        self, pieces: TableOfPieces, table: Table, *, may_be_ahead: bool = False
    ) -> tuple[int, int]:
        """Stage an output by Python tasks; return the rows written, and those left out."""
        with progress.step(f"writing {table.name}"):
            place = locate(self.spark, self.output(table.name))
            staged, left_out = stage_pieces(self.spark, pieces, table, place, format=self.format)
            self._staged.add(table.name, staged, place, may_be_ahead=may_be_ahead)
        return staged.rows, left_out

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

        Returns: Rows written.
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
            uri, metadata = self.output(table.name), self.metadata
            return tables.write_pieces(
                self.spark, pieces, table, uri, format=self.format, metadata=metadata
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

        Returns: Rows written.
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
        """Commit what is staged, write the counts to `run_counts`, and unpersist frames.

        A job calls this once its gates have passed.
        """
        self._staged.commit(self.metadata)
        rows = [(self.job, *row) for row in result.counts()]
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
