"""Which raw files an input holds, what format each has, and how they are cut into tasks."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.storage.hadoop import FileInfo, Files

Format = Literal["text", "jsonl", "csv", "parquet"]

_COMPRESSION = (".gz", ".bz2", ".zst")
_ENDINGS: dict[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_SPLIT_BYTES = 64 << 20
_SMALL_BYTES = 8 << 20


@dataclass(frozen=True)
class Split:
    """A byte range of one file; `end` is None where the file is read to its end."""

    uri: str
    relative: str
    start: int
    end: int | None
    size: int


def list_files(
    spark: SparkSession, uri: str, *, file_format: Format | None
) -> tuple[Format, list[FileInfo]]:
    """List an input's files and their common format, told by their endings unless it is given.

    Raises:
        InputError: Nothing is there, a file has zero bytes, or formats are unknown or mixed; the
            first such file is named.
    """
    files = Files(spark)
    if not files.exists(uri):
        raise InputError(f"{uri}: no such file or folder")
    found = files.walk(uri)
    if not found:
        raise InputError(f"{uri}: the folder holds no files")
    empty = next((info for info in found if info.size == 0), None)
    if empty is not None:
        raise InputError(f"{empty.uri}: is empty (zero bytes); remove or restore it")
    formats = {file_format or _format_of(info) for info in found}
    if len(formats) > 1:
        names = " and ".join(sorted(formats))
        raise InputError(f"{uri}: holds {names} files; keep one format, or set file_format")
    return formats.pop(), found


def _format_of(info: FileInfo) -> Format:
    name = info.relative.lower()
    for ending in _COMPRESSION:
        name = name.removesuffix(ending)
    known = next((f for ending, f in _ENDINGS.items() if name.endswith(ending)), None)
    if known is None:
        raise InputError(
            f"{info.uri}: unknown kind of file; known endings are {', '.join(_ENDINGS)} "
            "(with .gz, .bz2 or .zst), or set file_format"
        )
    return known


def is_compressed(name: str) -> bool:
    """Tell by its name whether a file is compressed, so that it must be read from its start."""
    return name.lower().endswith(_COMPRESSION)


def plan_tasks(found: list[FileInfo], *, is_splittable: bool) -> list[list[Split]]:
    """Cut large plain files into byte ranges and gather small files, one list per task."""
    tasks: list[list[Split]] = []
    gathered: list[Split] = []
    for info in found:
        pieces = (
            _cut(info)
            if is_splittable and not is_compressed(info.relative)
            else [Split(info.uri, info.relative, 0, None, info.size)]
        )
        for piece in pieces:
            gathered.append(piece)
            if sum(split.size for split in gathered) >= _SMALL_BYTES:
                tasks.append(gathered)
                gathered = []
    return [*tasks, gathered] if gathered else tasks


def _cut(info: FileInfo) -> list[Split]:
    edges = [*range(0, info.size, _SPLIT_BYTES), info.size]
    return [
        Split(info.uri, info.relative, start, end, end - start) for start, end in pairwise(edges)
    ]
