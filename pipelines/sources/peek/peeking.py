"""A look at a file's beginning, without Spark: its format, its columns and what is wrong."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pyarrow import fs

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.files import told_by_name, whole_split
from pipelines.sources.peek.first_rows import FirstRows, Problem, first_rows, quoting
from pipelines.sources.peek.guessing import Column, column_of
from pipelines.sources.peek.proposing import proposals
from pipelines.sources.peek.telling import STRONG, told_by_content
from pipelines.sources.split import Split
from pipelines.sources.streams.encodings import HEAD_BYTES, detect, utf8_stream
from pipelines.sources.streams.opening import BREAKS, compression_of, head_of
from pipelines.storage.hadoop import FileInfo
from pipelines.storage.task_files.arrow import resolve

_OF_TEXT = ("text", "jsonl", "csv", "access_log")
_SHOWN = 200


@dataclass(frozen=True)
class Finding:
    """What a look at an input's first file shows.

    Args:
        uri: The input.
        file: The file that was looked at.
        files: How many files the input has.
        bytes: Bytes of all of them.
        format: Format of the file.
        told_by: `name` or `content`.
        compression: What the file is compressed with.
        encoding: Encoding of a text file.
        delimiter: Delimiter of CSV.
        quote: Quote of CSV.
        columns: What the columns look like.
        rows: How many of the first rows were read.
        first: The first sound rows, values cut to 200 characters.
        problems: Refused rows.
        notes: How often values were changed in reading, by the names of `names.NOTES`.
        remarks: What else is to be known.
        settings: Settings to begin with, by job.
    """

    uri: str
    file: str
    files: int
    bytes: int
    format: str
    told_by: str
    compression: str | None
    encoding: str | None
    delimiter: str | None = None
    quote: str | None = None
    columns: tuple[Column, ...] = ()
    rows: int = 0
    first: tuple[dict[str, str | None], ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


def peek(uri: str, rows: int = 5) -> Finding:
    """Look at a file, or at the first file of a folder.

    Args:
        uri: File or folder, local or of a store that pyarrow reaches.
        rows: Rows to give as they are.

    Raises:
        InputError: Nothing is there, or the file is empty, broken or of no known format.
    """
    files = _files(uri)
    first = next((info for info in files if info.size), None)
    if first is None:
        raise InputError(f"{uri}: {'is empty (zero bytes)' if files else 'holds no files'}")
    split = whole_split(first)
    try:
        opened, settings = _opened(uri, split, files)
        return _with_rows(opened, first_rows(split, opened.format, settings), settings, rows)
    except BREAKS as error:
        raise InputError(f"{first.uri}: cannot be read, it is truncated or broken ({error})") from (
            error
        )


def _files(uri: str) -> list[FileInfo]:
    """List the files of an input, by path, as the jobs do; hidden ones are left out."""
    try:
        filesystem, path = resolve(uri)
        info = filesystem.get_file_info(path.rstrip("/") or "/")
        if info.type == fs.FileType.File:
            return [FileInfo(uri, info.base_name, info.size, 0)]
        if info.type != fs.FileType.Directory:
            raise InputError(f"{uri}: no such file or folder")
        below = filesystem.get_file_info(fs.FileSelector(info.path, recursive=True))
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{uri}: pyarrow cannot reach it ({error})") from error
    root = info.path.rstrip("/") + "/"
    found = [(f.path.removeprefix(root), f) for f in below if f.type == fs.FileType.File]
    return sorted(
        (
            FileInfo(f"{uri.rstrip('/')}/{relative}", relative, f.size, 0)
            for relative, f in found
            if not any(part.startswith((".", "_")) for part in relative.split("/"))
        ),
        key=lambda file: file.relative,
    )


def _opened(uri: str, split: Split, files: list[FileInfo]) -> tuple[Finding, SourceSettings]:
    """Tell a file's format and how it is read; the settings are those that read it."""
    settings = SourceSettings()
    head = head_of(split, HEAD_BYTES)
    compression = compression_of(_first_bytes(split))
    encoding = detect(head, settings)
    named = told_by_name(split.relative)
    shown = _shown_by(head, encoding, split.uri, named)
    kind = named or shown
    if kind == "parquet" and compression:
        raise InputError(f"{split.uri}: is Parquet compressed with {compression}; decompress it")
    changes: dict[str, Any] = {} if named else {"file_format": kind}
    if kind == "text" and (per := _documents_per(head.decode(encoding, "replace"), files)):
        changes["documents_per"] = per
    if kind == "csv":
        changes |= quoting(split, settings)
    if mixed := _others(kind, files):
        changes["include"] = [_pattern(split.relative)]
    settings = settings.model_copy(update=changes)
    finding = Finding(
        uri, split.uri, len(files), sum(info.size for info in files), kind,
        "name" if named else "content", compression, encoding if kind in _OF_TEXT else None,
        remarks=(*mixed, *_remarks(uri, split, named, shown)),
    )  # fmt: skip
    return (_with_header(finding, split, settings) if kind == "csv" else finding), settings


def _shown_by(head: bytes, encoding: str, uri: str, named: str | None) -> str:
    """Return the format of the content; where the name tells it, binary content is no error."""
    try:
        return told_by_content(head, encoding, uri)
    except InputError:
        if named is None:
            raise
        return named


def _first_bytes(split: Split) -> bytes:
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as file:
        return bytes(file.read(16))


def _documents_per(text: str, files: list[FileInfo]) -> str | None:
    """Return what is a record of a lone text file: of several paragraphs each, else each line."""
    blocks = [block for block in re.split(r"\n[ \t]*(?=\r?\n)", text) if block.strip()]
    if len(files) > 1 or "\n" not in text.strip():
        return None
    return "paragraph" if len(blocks) > 1 else "line"


def _others(kind: str, files: list[FileInfo]) -> list[str]:
    """Return what to say of files of other formats, which a job does not read together."""
    named = Counter(told_by_name(info.relative) or "unknown" for info in files)
    others = {name: count for name, count in named.items() if name != kind}
    if len(named) == 1:
        return []
    told = ", ".join(f"{count:,} {name}" for name, count in others.items())
    return [f"other files are of other formats ({told}): choose with include"]


def _pattern(relative: str) -> str:
    """Return the pattern of names that end as a file's does, with its compression."""
    ending = re.search(r"\.\w+(\.(gz|bz2|zst|xz|lz4|zip|snappy))?$", relative)
    return f"*{ending[0]}" if ending else PurePosixPath(relative).name


def _remarks(uri: str, split: Split, named: str | None, shown: str) -> Iterator[str]:
    if named and named != shown and shown in STRONG:
        yield f"the name says {named}, the content looks like {shown}: set file_format: {shown}"
    filesystem, path = resolve(uri)
    if filesystem.get_file_info(f"{path.rstrip('/')}/_delta_log").type == fs.FileType.Directory:
        yield "is a Delta table: the file may be of an older version; jobs read the newest"
    if split.partitions:
        yield f"columns of the folders' names: {', '.join(split.partitions)}"


def _with_header(finding: Finding, split: Split, settings: SourceSettings) -> Finding:
    from pipelines.sources.csv_rows.chunks import Chunks
    from pipelines.sources.csv_rows.header import read_header

    with utf8_stream(split, settings) as stream:
        header = read_header(Chunks(stream, None, 1, 0), split.uri, settings)
    return replace(finding, delimiter=header.delimiter if header else None, quote=settings.quote)


def _with_rows(opened: Finding, found: FirstRows, settings: SourceSettings, rows: int) -> Finding:
    columns = [column_of(name, values) for name, values in found.values.items()]
    columns += [Column(name, "list") for name in found.lists]
    some = range(min(rows, found.count - len(found.problems)))
    first = tuple(
        {name: _cut(values[n]) for name, values in found.values.items() if n < len(values)}
        for n in some
    )
    reading = settings.model_dump(exclude_unset=True)
    proposed = proposals(opened.uri, opened.format, columns, reading)
    return replace(
        opened,
        columns=tuple(columns),
        rows=found.count,
        first=first,
        problems=found.problems,
        notes=found.notes,
        remarks=(*opened.remarks, *_more_remarks(columns, found, proposed)),
        settings=proposed,
    )


def _more_remarks(
    columns: list[Column], found: FirstRows, proposed: dict[str, Any]
) -> Iterator[str]:
    for name in found.repeated:
        yield f"several columns are named {name!r}; none of them can be read"
    if columns and not proposed:
        yield "no columns of user, item and time, nor one of texts, by their names and values"


def _cut(value: str | None) -> str | None:
    return None if value is None else value[:_SHOWN]
