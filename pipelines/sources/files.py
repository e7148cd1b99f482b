"""Which raw files an input holds, what format they have, and how they are gathered into tasks."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import unquote

from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.formats.registry import format_of, known_formats
from pipelines.sources.split import Split
from pipelines.storage.delta import delta
from pipelines.storage.hadoop import FileInfo, Files

_COMPRESSION = (".gz", ".bz2", ".zst", ".xz", ".lz4", ".zip", ".snappy")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_LARGE_BYTES = 64 << 20  # what is smaller is read by one task
_TASK_BYTES = 8 << 20
_LEAST_TASK_BYTES = 512 << 10  # less is not worth a task
_UNPACKED = 4  # bytes that a byte of a compressed file stands for, about
_OPEN_BYTES = 16 << 10  # opening a file takes as long as reading so much


def find_files(
    spark: SparkSession, uris: Sequence[str], settings: SourceSettings
) -> list[FileInfo]:
    """List the files of inputs, by path; a path means what it says, whatever characters it holds.

    Raises:
        InputError: Nothing is there, no file is left by the patterns, or a file has zero bytes.
    """
    files = Files(spark)
    found = [info for uri in uris for info in _below(files, uri, is_alone=len(uris) == 1)]
    chosen = [info for info in found if _is_chosen(info.relative, settings)]
    where = ", ".join(uris)
    if not chosen:
        reason = "include and exclude leave none of its files" if found else "holds no files"
        raise InputError(f"{where}: {reason}")
    empty = next((info for info in chosen if info.size == 0), None)
    if empty is not None and settings.bad_files == "fail":
        raise InputError(f"{empty.uri}: is empty (zero bytes); remove or restore it")
    return chosen


def _below(files: Files, uri: str, *, is_alone: bool) -> Iterator[FileInfo]:
    """Yield the files of one of the inputs; of several, each path begins with its input's name."""
    if not files.exists(uri):
        hint = ""
        if any(character in uri for character in "*?[{"):
            hint = "; paths are no patterns: name the folder, and set include"
        raise InputError(f"{uri}: no such file or folder{hint}")
    name = uri.rstrip("/").rpartition("/")[2]
    for info in files.walk(uri):
        is_file = info.relative == name and not files.is_folder(uri)
        relative = info.relative if is_alone or is_file else f"{name}/{info.relative}"
        yield FileInfo(info.uri, relative, info.size, info.modified)


def _is_chosen(relative: str, settings: SourceSettings) -> bool:
    included = not settings.include or _matches(relative, settings.include)
    return included and not _matches(relative, settings.exclude)


def _matches(relative: str, patterns: list[str]) -> bool:
    name = relative.rpartition("/")[2]
    return any(fnmatchcase(relative, each) or fnmatchcase(name, each) for each in patterns)


def is_delta(spark: SparkSession, uris: Sequence[str]) -> bool:
    """Tell whether the input is a Delta table, whose log says which of its files count."""
    return len(uris) == 1 and delta.is_table(Files(spark), uris[0].rstrip("/"))


def common_format(found: Sequence[FileInfo], settings: SourceSettings) -> str:
    """Return the format of the files, told by their endings unless it is set.

    Raises:
        InputError: An ending is unknown, or formats are mixed.
    """
    if settings.file_format:
        return settings.file_format
    formats = {_format_of(info) for info in found}
    if len(formats) > 1:
        names = " and ".join(sorted(formats))
        raise InputError(
            f"{found[0].uri}: holds {names} files; choose with include, or set file_format"
        )
    return formats.pop()


def told_by_name(relative: str) -> str | None:
    """Return the format that a file's name tells, whatever it is compressed with."""
    name = relative.lower()
    while PurePosixPath(name).suffix in _COMPRESSION:
        name = name.removesuffix(PurePosixPath(name).suffix)
    return format_of(name)


def _format_of(info: FileInfo) -> str:
    known = told_by_name(info.relative)
    if known is None:
        endings = ", ".join(ending for group in known_formats().values() for ending in group)
        raise InputError(
            f"{info.uri}: unknown kind of file; known endings are {endings} (also compressed); "
            "set file_format"
        )
    return known


def whole_split(info: FileInfo) -> Split:
    """Return the split that is a whole file, with the columns that its folders name."""
    return Split(info.uri, info.relative, info.size, partitions=_partitions(info.relative))


def _partitions(relative: str) -> dict[str, str | None]:
    parts = (folder.partition("=") for folder in relative.split("/")[:-1] if "=" in folder)
    return {
        unquote(name): None if value == _NO_VALUE else unquote(value)
        for name, _, value in parts
        if name
    }


def is_large(split: Split) -> bool:
    """Tell whether a file is worth cutting for several tasks."""
    return split.size > _LARGE_BYTES


def gather(splits: Sequence[Split], cores: int) -> list[list[Split]]:
    """Gather small splits, one list per task, so that no core waits for another's many files."""
    sizes = [_weight(split) for split in splits]
    limit = max(_LEAST_TASK_BYTES, min(_TASK_BYTES, sum(sizes) // max(1, cores)))
    tasks: list[list[Split]] = []
    gathered: list[Split] = []
    filled = 0
    for split, size in zip(splits, sizes, strict=True):
        gathered.append(split)
        filled += size
        if filled >= limit:
            tasks.append(gathered)
            gathered, filled = [], 0
    return [*tasks, gathered] if gathered else tasks


def _weight(split: Split) -> int:
    """Return about how many bytes a split has to be read."""
    is_packed = PurePosixPath(split.relative.lower()).suffix in _COMPRESSION
    return _OPEN_BYTES + min(split.size, _LARGE_BYTES) * (_UNPACKED if is_packed else 1)
