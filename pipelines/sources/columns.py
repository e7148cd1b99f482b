"""Columns that are asked for and that no record has: refused before anything is read."""

import difflib
import shlex
from collections.abc import Sequence

from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.sources.formats.registry import format_named
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.storage.task_files.arrow import reaches

_LOOKED_AT = 20  # files whose beginning the driver reads
_SHOWN = 30


def require_columns(
    spark: SparkSession, wholes: Sequence[Split], kind: str, request: Request
) -> None:
    """Refuse a required column that the beginning of no file shows.

    Raises:
        InputError: The column, the setting that names it, and the columns that there are.
    """
    required = [field for field in request.fields if field.is_required]
    if not required:
        return
    partitions = [name for split in wholes[:_LOOKED_AT] for name in split.partitions]
    first = wholes[:_LOOKED_AT]
    found = dict.fromkeys([*partitions, *_columns(spark, first, kind, request)])
    if len(wholes) > _LOOKED_AT and any(field.path not in found for field in required):
        found |= dict.fromkeys(_columns(spark, wholes[_LOOKED_AT:], kind, request))
    for field in required:
        if found and not _has(list(found), field.path):
            where = wholes[0].uri if len(wholes) == 1 else f"{len(wholes):,} {kind} files"
            raise missing_column(where, field, list(found), is_csv=kind == "csv")


def require_in(where: str, found: Sequence[str], fields: Sequence[Field]) -> None:
    """Refuse a required column that a schema, whose columns are all known, does not have.

    Raises:
        InputError: The column, the setting that names it, and the columns that there are.
    """
    for field in fields:
        if field.is_required and field.path not in found:
            raise missing_column(where, field, found)


def _has(found: list[str], path: str) -> bool:
    return any(name == path or path.startswith(f"{name}.") for name in found) or any(
        name.startswith(f"{path}.") for name in found
    )


def _columns(
    spark: SparkSession, splits: Sequence[Split], kind: str, request: Request
) -> list[str]:
    """Return the columns of files; many, and those the driver does not reach, are read by tasks."""
    if len(splits) <= _LOOKED_AT and reaches(splits[0].uri):
        return [name for split in splits for name in _of_file(split, kind, request)]
    distributed = spark.sparkContext.parallelize(list(splits), min(len(splits), 200))
    # names of columns, not rows
    return distributed.flatMap(lambda split: _of_file(split, kind, request)).distinct().collect()


def _of_file(split: Split, kind: str, request: Request) -> list[str]:
    try:
        return list(format_named(kind).columns(split, request))
    except (OSError, EOFError, ValueError):  # told, or counted, when it is read
        return []


def missing_column(
    where: str, field: Field, found: Sequence[str], *, is_csv: bool = False
) -> InputError:
    """Return the error that names a missing column, the setting, and what there is."""
    near = difflib.get_close_matches(field.path.lower(), [name.lower() for name in found], n=1)
    guess = next((name for name in found if near and name.lower() == near[0]), None)
    more = ", …" if len(found) > _SHOWN else ""
    hint = f"did you mean {guess!r}? " if guess else ""
    if is_csv and len(found) == 1:
        hint = "Is the delimiter another one? Set delimiter. "
    return InputError(
        f"{where}: no column {field.path!r} ({field.setting}); there are: "
        f"{', '.join(found[:_SHOWN])}{more}. {hint}Name the right one with --set "
        f"{shlex.quote(f'{field.setting}={guess}') if guess else f'{field.setting}=…'}"
    )
