"""Delta tables replaced in two steps: first data files that no version names, then one commit."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import DataFrame

from pipelines.storage import delta
from pipelines.storage.hadoop import Files


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
    ) -> None:
        self._spark, self._folder, self._files = (
            frame.sparkSession,
            folder,
            Files(frame.sparkSession),
        )
        self._is_new = not self._files.exists(folder)
        jvm: Any = self._spark._jvm
        self._jvm = jvm
        self._columns = _sequence(self._jvm, partitioning)
        self._predicate = self._jvm.scala.Option.apply(delta.predicate(part) if part else None)
        self._added: list[dict[str, Any]] = []
        try:
            self._write(frame, part)
        except BaseException:
            self.discard()
            raise
        self.rows = self._count()

    def _write(self, frame: DataFrame, part: Mapping[str, str]) -> None:
        package, session = self._jvm.org.apache.spark.sql.delta, self._spark._jsparkSession
        log = package.DeltaLog.forTable(session, self._folder)
        self._mode = self._jvm.org.apache.spark.sql.SaveMode.Overwrite
        kind = {"replaceWhere": delta.predicate(part)} if part else {"overwriteSchema": "true"}
        options = package.DeltaOptions(_map(self._jvm, kind), session.sessionState().conf())
        command = _made(
            getattr(package.commands, "WriteIntoDelta$"),
            log, self._mode, options, self._columns, _map(self._jvm, {}), frame._jdf,
        )  # fmt: skip
        self._transaction = log.startTransaction()
        nothing = self._jvm.scala.Option.empty()
        self._data = command.writeAndReturnCommitData(self._transaction, session, nothing, False)
        mapper = package.util.JsonUtils.mapper()
        actions = json.loads(mapper.writeValueAsString(self._data.actions()))
        # of all actions these alone add files; one with a deletion vector adds none that is new
        self._added = [
            action
            for action in actions
            if "modificationTime" in action and not action.get("deletionVector")
        ]

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
        operation = _made(
            getattr(self._jvm.org.apache.spark.sql.delta, "DeltaOperations$Write$"),
            self._mode,
            self._jvm.scala.Option.apply(self._columns),
            self._predicate,
            self._jvm.scala.Option.apply(json.dumps(dict(metadata), sort_keys=True)),
        )
        with delta.conflicts_named(self._folder):
            self._transaction.commitIfNeeded(
                self._data.actions(), operation, self._data.stringTags()
            )

    def discard(self) -> None:
        """Delete the files; a folder that was made for them goes too."""
        for uri in self._uris():
            self._files.delete(uri)
        is_there = self._is_new and self._files.exists(self._folder)
        if is_there and not delta.is_table(self._files, self._folder):
            self._files.delete(self._folder)


def _made(companion: Any, *given: Any) -> Any:
    """Make an object of a Scala case class; versions of Delta differ in its last parameters."""
    module, values = getattr(companion, "MODULE$"), list(given)
    while True:
        try:
            values.append(getattr(module, f"apply$default${len(values) + 1}")())
        except Py4JJavaError:
            raise
        except Py4JError:  # no further parameter has a default
            return module.apply(*values)


def _sequence(jvm: Any, values: tuple[str, ...]) -> Any:
    listed = jvm.java.util.ArrayList()
    for value in values:
        listed.add(value)
    return jvm.scala.jdk.javaapi.CollectionConverters.asScala(listed).toSeq()


def _map(jvm: Any, values: Mapping[str, str]) -> Any:
    made = jvm.java.util.HashMap()
    for key, value in values.items():
        made.put(key, value)
    return jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(made)
