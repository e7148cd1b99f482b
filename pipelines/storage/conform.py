"""The check before a write: a frame that differs from its contract is not written."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from schemas import Table


def conform(frame: DataFrame, table: Table) -> DataFrame:
    """Return the contract's columns in order, with comments; the query fails on a forbidden null.

    Raises:
        InputError: A column is missing, unknown, or of another type.
    """
    differences = list(table.differences(frame.schema))
    if differences:
        raise InputError(f"cannot write {table.name!r}: {'; '.join(differences)}")
    columns = []
    for column in table.columns:
        value = F.col(f"`{column.name}`")
        if not column.nullable and frame.schema[column.name].nullable:
            message = F.lit(null_problem(table, column.name))
            value = F.when(value.isNull(), F.raise_error(message)).otherwise(value)
        comment = {"comment": column.field().metadata["comment"]}
        columns.append(value.alias(column.name, metadata=comment))
    return frame.select(*columns)


def null_problem(table: Table, column: str) -> str:
    """Return the error text for a null in a column that is not nullable."""
    return f"{table.name}: column {column!r} is null, its contract says never"
