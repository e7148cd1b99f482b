"""Delta tables replaced in two steps: first data files that no version names, then one commit."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import DataFrame

from pipelines.storage.delta import delta
from pipelines.storage.delta.delta_replaced import (
    only_of,
    read_all_of,
    replaced_files,
    sequence,
)
from pipelines.storage.hadoop import Files
from pipelines.storage.java import java_class
from pipelines.storage.parquet import relative

_READER, _WRITER = 1, 2
"""Versions of Delta's protocol above which files may need more than their rows."""


class StagedDelta:
    """Data files that Delta's own writer has put into a table's folder, and their transaction.

    The transaction stays open in the JVM: if another run changes the same rows before `commit`,
    Delta refuses the commit.
    """

    def __init__(
        self,
        frame: DataFrame,
        folder: str,
        *,
        part: Mapping[str, str],
        partitioning: tuple[str, ...],
        is_empty: bool = False,
        write_file: Callable[[str], int] | None = None,
    ) -> None:
        """Write the files; where the frame is known to be empty, mostly none.

        Args:
            frame: The rows.
            folder: Where the table lies.
            part: Partition values that the run owns; empty for the whole table.
            partitioning: The table's partition columns.
            is_empty: The frame is known to have no rows.
            write_file: Writes the rows, all of the part, to one Parquet file without a Spark job,
                and returns their number. Called where no column needs Delta's own writer.
        """
        self._spark, self._folder = frame.sparkSession, folder
        self._files = Files(self._spark)
        self._is_new = not self._files.exists(folder)
        jvm: Any = self._spark._jvm
        self._jvm = jvm
        self._partitioning, self._part = partitioning, part
        self._predicate = delta.predicate(part) if part else None
        self._added: list[dict[str, Any]] = []
        self._removed: list[Any] | None = None
        self._is_described = False
        self._data: Any = None
        self._written: Any = sequence(self._jvm, [])
        try:
            self._removed = self._begin(frame, is_empty=is_empty)
            if self._removed is None:
                how = {"replaceWhere": self._predicate} if part else {"overwriteSchema": "true"}
                self._write(frame, "Overwrite", how)
            elif write_file is not None and self._is_simple():
                self._add(write_file)
            elif not is_empty:
                self._write(only_of(frame, part), "Append", {})
            self.rows = self._count()
        except BaseException:
            self.discard()
            raise

    def _begin(self, frame: DataFrame, *, is_empty: bool) -> list[Any] | None:
        """Open the transaction, and name the files that it replaces if that takes no Spark job."""
        session = self._spark._jsparkSession
        self._log = delta.log_of(self._spark, self._folder)
        self._transaction = self._log.startTransaction()
        known = self._transaction, frame, self._part, self._partitioning
        removed = replaced_files(*known)
        is_new = self._transaction.readVersion() < 0
        if is_empty and is_new and self._describe(frame):
            return []
        if removed is not None:
            read_all_of(self._jvm, session, self._transaction, self._predicate)
        return removed

    def _describe(self, frame: DataFrame) -> bool:
        """Give a new table its schema; Delta's own writer would start a Spark job to do so.

        Returns: False where this version of Delta lacks the method.
        """
        command, session = self._command(frame, "Overwrite", {}), self._spark._jsparkSession
        about = self._columns(), scala_map(self._jvm, {}), True, False
        try:
            self._log.createLogDirectoriesIfNotExists()  # else files alone are a Parquet table
            command.updateMetadata(session, self._transaction, frame._jdf.schema(), *about)
        except Py4JJavaError:
            raise
        except Py4JError:
            return False
        self._is_described = True
        return True

    def _command(self, frame: DataFrame, mode: str, how: Mapping[str, Any]) -> Any:
        """Make Delta's own command that writes a frame."""
        conf = self._spark._jsparkSession.sessionState().conf()
        options = self._of_delta("DeltaOptions")(scala_map(self._jvm, how), conf)
        return made(
            self._of_delta("commands.WriteIntoDelta$"),
            self._log, self._mode(mode), options, self._columns(), scala_map(self._jvm, {}),
            frame._jdf,
        )  # fmt: skip

    def _write(self, frame: DataFrame, mode: str, how: Mapping[str, Any]) -> None:
        """Write files by Delta's own writer, which in mode Overwrite lists the old ones too."""
        session = self._spark._jsparkSession
        command = self._command(frame, mode, how)
        nothing = java_class(self._jvm, "scala.Option").empty()
        self._data = command.writeAndReturnCommitData(self._transaction, session, nothing, False)
        if self._removed is not None:
            removed = sequence(self._jvm, self._removed)
            command.registerOverwriteRemoveMetrics(session, self._transaction, removed)
        self._written = self._data.actions()
        self._note_added()

    def _is_simple(self) -> bool:
        """Tell whether the table has no feature for which only Delta's own writer makes files."""
        protocol = self._transaction.protocol()
        is_read = protocol.minReaderVersion() <= _READER
        return bool(is_read and protocol.minWriterVersion() <= _WRITER)

    def _add(self, write_file: Callable[[str], int]) -> None:
        """Let the driver write the one file, and make the action that adds it."""
        inner = relative(self._part, self._partitioning)
        name = f"{inner}/part-00000-{uuid.uuid4()}.parquet".lstrip("/")
        rows = write_file(f"{self._folder}/{name}")
        [file] = self._files.walk(f"{self._folder}/{name}")
        statistics = json.dumps({"numRecords": rows})
        added = self._adding(name, file.size, file.modified, statistics)
        self._written = sequence(self._jvm, [added])
        self._note_added()

    def _adding(self, name: str, size: int, modified: int, statistics: str) -> Any:
        """Make the action that adds a file of the part, with its statistics as JSON."""
        values = scala_map(self._jvm, self._part), size, modified, True, statistics
        return made(self._of_delta("actions.AddFile$"), quote(name, safe="/="), *values)

    def _note_added(self) -> None:
        mapper = self._of_delta("util.JsonUtils").mapper()
        actions = json.loads(mapper.writeValueAsString(self._written))
        # of all actions these alone add files; one with a deletion vector adds none that is new
        self._added = [
            action
            for action in actions
            if "modificationTime" in action and not action.get("deletionVector")
        ]

    def _of_delta(self, name: str) -> Any:
        return java_class(self._jvm, f"org.apache.spark.sql.delta.{name}")

    def _mode(self, name: str) -> Any:
        return getattr(java_class(self._jvm, "org.apache.spark.sql.SaveMode"), name)

    def _columns(self) -> Any:
        return sequence(self._jvm, self._partitioning)

    def _count(self) -> int:
        """Return the rows written, from the statistics that Delta gathers as it writes."""
        told = [json.loads(file.get("stats") or "{}").get("numRecords") for file in self._added]
        if None not in told:
            return sum(told)
        return self._spark.read.parquet(*self._uris()).count()

    def _uris(self) -> list[str]:
        return [f"{self._folder}/{unquote(file['path'])}" for file in self._added]

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Make the files the table, or the part of it, in one commit that starts no Spark job.

        Raises:
            ConcurrentRunError: Another run changed the table since the files were written.
        """
        option = java_class(self._jvm, "scala.Option").apply
        operation = made(
            self._of_delta("DeltaOperations$Write$"),
            self._mode("Overwrite"),
            option(self._columns()),
            option(self._predicate),
            option(json.dumps(dict(metadata), sort_keys=True)),
        )
        tags = self._data.stringTags() if self._data else scala_map(self._jvm, {})
        with delta.conflicts_named(self._folder):
            self._transaction.commit(self._actions(), operation, tags)

    def _actions(self) -> Any:
        written = self._written
        if self._removed == [] and not self._added and not self._is_described:
            # a commit that changes no rows is tried against no other one, unless it has metadata;
            # where Delta found the old files, its writer has already set the metadata
            self._transaction.updateMetadata(self._transaction.metadata(), False)
        if not self._removed:
            return written
        every = [written.apply(n) for n in range(written.size())] + self._removed
        return sequence(self._jvm, every)

    def discard(self) -> None:
        """Delete the files; a folder that was made for them goes too."""
        for uri in self._uris():
            self._files.delete(uri)
        is_there = self._is_new and self._files.exists(self._folder)
        if is_there and not delta.is_table(self._files, self._folder):
            self._files.delete(self._folder)


def made(companion: Any, *given: Any) -> Any:
    """Make an object of a Scala case class; versions of Delta differ in its last parameters."""
    module, values = getattr(companion, "MODULE$"), list(given)
    while True:
        try:
            values.append(getattr(module, f"apply$default${len(values) + 1}")())
        except Py4JJavaError:
            raise
        except Py4JError:  # no further parameter has a default
            return module.apply(*values)


def scala_map(jvm: Any, values: Mapping[str, Any]) -> Any:
    """Return a mapping as an immutable Scala map."""
    copied = java_class(jvm, "java.util.HashMap")()
    for key, value in values.items():
        copied.put(key, value)
    return java_class(jvm, "org.apache.spark.api.python.PythonUtils").toScalaMap(copied)
