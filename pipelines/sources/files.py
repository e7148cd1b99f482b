"""Which raw files an input holds, what format each has, and how they are cut into tasks."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal

from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.storage.hadoop import FileInfo, Files

Format = Literal["text", "jsonl", "csv", "parquet"]

_COMPRESSION = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
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


def compression_of(name: str) -> str | None:
    """Return the compression that a file's name tells; such a file is read from its start."""
    return _COMPRESSION.get(PurePosixPath(name.lower()).suffix)


def plan_tasks(found: list[FileInfo], *, is_splittable: bool) -> list[list[Split]]:
    """Cut large plain files into byte ranges and gather small files, one list per task."""
    tasks: list[list[Split]] = []
    gathered: list[Split] = []
    size = 0
    for info in found:
        is_cut = is_splittable and compression_of(info.relative) is None
        whole = Split(info.uri, info.relative, 0, None, info.size)
        for piece in _cut(info) if is_cut else [whole]:
            gathered.append(piece)
            size += piece.size
            if size >= _SMALL_BYTES:
                tasks.append(gathered)
                gathered, size = [], 0
    return [*tasks, gathered] if gathered else tasks


def _cut(info: FileInfo) -> list[Split]:
    edges = [*range(0, info.size, _SPLIT_BYTES), info.size]
    return [
        Split(info.uri, info.relative, start, end, end - start) for start, end in pairwise(edges)
    ]
