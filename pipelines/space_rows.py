"""Rows of tables that hold several spaces: those of one space, and that there is only one."""

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError


def of_space(vectors: DataFrame, space_id: str) -> DataFrame:
    """Return the vectors of one space."""
    return vectors.where(F.col("space_id") == space_id)


def require_one_space(vectors: DataFrame, setting: str | None = None) -> str:
    """Return the id of the only space of a table.

    Args:
        vectors: The table.
        setting: The setting that chooses among several spaces, for the message.

    Raises:
        InputError: The table is empty or mixes spaces, whose vectors must never be compared.
    """
    row = vectors.agg(F.min("space_id"), F.max("space_id")).first()
    return only_space(row or (), setting)


def only_space(space_ids: Iterable[str | None], setting: str | None = None) -> str:
    """Return the one id among those of a table's rows.

    Raises:
        InputError: There is none, or more than one.
    """
    ids = sorted({each for each in space_ids if each is not None})
    if len(ids) != 1:
        problem = f"mixes the spaces {' and '.join(ids[:2])}" if ids else "is empty"
        choice = f", or choose a space by {setting}" if setting and ids else ""
        raise InputError(f"the table of vectors {problem}; read one published table{choice}")
    return ids[0]
