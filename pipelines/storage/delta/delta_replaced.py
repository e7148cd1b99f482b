"""The files that a replacement of a Delta table removes, named without a Spark job."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.storage.delta import delta
from pipelines.storage.java import java_class


def replaced_files(
    transaction: Any, frame: DataFrame, part: Mapping[str, str], partitioning: tuple[str, ...]
) -> list[Any] | None:
    """Return Delta's actions that remove a table's files, or those of a part of it.

    Delta lists the files of small tables in a version's checksum. None where it does not, and
    where schema or partition columns change: then Delta's own writer finds them.

    Args:
        transaction: The open transaction.
        frame: The rows that replace the others.
        part: Partition values that the run owns; empty for the whole table.
        partitioning: The table's partition columns.
    """
    snapshot = transaction.snapshot()
    listed = delta.listed_files(snapshot)
    if listed is None or not set(part) <= set(partitioning):
        return None
    columns = snapshot.metadata().partitionColumns()
    stored = tuple(str(columns.apply(n)) for n in range(columns.size()))
    if stored != partitioning or not snapshot.schema().equals(frame._jdf.schema().asNullable()):
        return None
    return [file.remove() for file in listed if _is_of(file, part)]


def _is_of(file: Any, part: Mapping[str, str]) -> bool:
    values = file.partitionValues()
    return all(values.contains(name) and values.apply(name) == part[name] for name in part)


def only_of(frame: DataFrame, part: Mapping[str, str]) -> DataFrame:
    """Let the query fail on a row of another part, as Delta's `replaceWhere` does."""
    for name, value in part.items():
        message = F.concat(F.lit(f"column {name!r} is not {value!r} but "), F.col(f"`{name}`"))
        checked = F.when(F.col(f"`{name}`") == value, F.col(f"`{name}`"))
        checked = checked.otherwise(F.raise_error(F.coalesce(message, F.lit(f"{name} is null"))))
        about = frame.schema[name].metadata
        frame = frame.withColumn(name, checked.alias(name, metadata=about))
    return frame


def read_all_of(jvm: Any, session: Any, transaction: Any, condition: str | None) -> None:
    """Note that a transaction depends on all rows that it replaces, whoever may change them."""
    true = java_class(jvm, "org.apache.spark.sql.catalyst.expressions.Literal$")
    read = getattr(true, "MODULE$").TrueLiteral()
    if condition is not None:
        read = session.sessionState().sqlParser().parseExpression(condition)
    else:
        transaction.readWholeTable()
    transaction.trackReadPredicates(sequence(jvm, [read]), condition is not None, True)


def sequence(jvm: Any, values: Sequence[Any]) -> Any:
    """Return objects as a Scala sequence."""
    listed = java_class(jvm, "java.util.ArrayList")()
    for value in values:
        listed.add(value)
    return java_class(jvm, "scala.jdk.javaapi.CollectionConverters").asScala(listed).toSeq()
