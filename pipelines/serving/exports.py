"""Export of vectors to files: tasks format chunks of bytes, the driver writes them in order."""

import io
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, as_matrix
from pipelines.errors import InputError, VectormillError
from pipelines.storage.task_files.arrow import resolve

_BLANKS = r"[\s\p{Z}\x{1c}-\x{1f}\x{85}]"  # what a reader's str.split() splits at
_LINE_ENDS = r"[\n\x0b\f\r\x{1c}-\x{1e}\x{85}\u2028\u2029]"  # what str.splitlines() splits at
_NAMED = 5  # keys named in a message
_CHUNK = "row_count int, keys binary, data binary"  # columns of `format_chunks`


@dataclass(frozen=True)
class ExportSize:
    """Size of an export.

    Args:
        row_count: Vectors.
        dimension: Components per vector.
        escaped: Keys that escaping changed.
    """

    row_count: int
    dimension: int
    escaped: int


def export(
    vectors: DataFrame, uri: str, *, entity: str, export_format: str, bad_keys: str
) -> tuple[ExportSize, int]:
    """Write the vectors of one entity of a space to a place that `write_export` takes.

    Returns:
        The size, and the rows written.

    Raises:
        InputError: As raised by `measure_export` and `write_export`.
    """
    escaped = escape_keys(vectors, entity=entity, export_format=export_format)
    size = measure_export(escaped, bad_keys=bad_keys)
    chunks = format_chunks(escaped, export_format=export_format, dimension=size.dimension)
    return size, write_export(chunks, uri, size, export_format=export_format)


def escape_keys(vectors: DataFrame, *, entity: str, export_format: str) -> DataFrame:
    """Return `key, vector, original` of one entity, with `_` for what the format cannot hold.

    word2vec's formats cannot hold white space; `npy`'s list of keys cannot hold line ends.
    """
    pattern = _LINE_ENDS if export_format == "npy" else _BLANKS
    return vectors.where(F.col("entity") == entity).select(
        F.regexp_replace("key", pattern, "_").alias("key"),
        "vector",
        F.col("key").alias("original"),
    )


def measure_export(escaped: DataFrame, *, bad_keys: str) -> ExportSize:
    """Return the size of the export, and refuse keys and vectors that cannot be written.

    Args:
        escaped: Frame of `escape_keys`.
        bad_keys: `escape`, or `reject` to refuse keys that escaping changed.

    Raises:
        InputError: There are no rows, dimensions differ, a changed key is refused, or escaping
            makes two keys equal; the message names the keys.
    """
    is_changed = F.col("key") != F.col("original")
    row = escaped.agg(
        F.count(F.lit(1)).alias("rows"),
        F.min(F.size("vector")).alias("least"),
        F.max(F.size("vector")).alias("most"),
        F.count_if(is_changed).alias("changed"),
    ).collect()[0]
    if not row["rows"]:
        raise InputError("the table has no vectors of this entity; set entity to one it has")
    if row["least"] != row["most"]:
        raise InputError(f"vectors have {row['least']} to {row['most']} components")
    if row["changed"] and bad_keys == "reject":
        named = _some_keys(escaped.where(is_changed))
        raise InputError(
            f"{row['changed']} keys cannot be written: {named}; "
            "set bad_keys: escape, or export_format: npy"
        )
    if row["changed"]:
        _require_distinct(escaped)
    return ExportSize(row["rows"], row["most"], row["changed"])


def _require_distinct(escaped: DataFrame) -> None:
    """Refuse keys that escaping made equal."""
    same = escaped.groupBy("key").agg(
        F.count(F.lit(1)).alias("rows"), F.min("original").alias("original")
    )
    named = _some_keys(same.where(F.col("rows") > 1))
    if named:
        raise InputError(
            f"keys would become one when escaped: {named}; rename them, or set export_format: npy"
        )


def _some_keys(rows: DataFrame) -> str:
    named = rows.select("original").orderBy("original").limit(_NAMED).collect()
    return ", ".join(repr(row["original"]) for row in named)


def format_chunks(escaped: DataFrame, *, export_format: str, dimension: int) -> DataFrame:
    """Return the export as chunks of bytes in the order of keys: `row_count, keys, data`.

    Rows are sorted across partitions and tasks keep their order, so the chunks in order form the
    file.
    """
    write = {"word2vec_text": _text, "word2vec_binary": _binary, "npy": _array}[export_format]

    def format_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                matrix = as_matrix(batch.column("vector"), dimension=dimension)
                keys, data = write(batch.column("key"), matrix)
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array([batch.num_rows], pa.int32()),
                        pa.array([keys], pa.binary()),
                        pa.array([data], pa.binary()),
                    ],
                    ["row_count", "keys", "data"],
                )

    ordered = escaped.select("key", "vector").sort("key")
    return ordered.mapInArrow(format_batches, _CHUNK)


def _text(keys: Any, matrix: Floats) -> tuple[bytes, bytes]:
    """Write each float in the fewest digits that read back as the same float32."""
    digits = pc.cast(pa.array(matrix.ravel()), pa.string())
    rows = pc.binary_join(_rows_of(digits, matrix.shape), " ")
    return b"", _lines(pc.binary_join_element_wise(keys, rows, " "))


def _binary(keys: Any, matrix: Floats) -> tuple[bytes, bytes]:
    """Write each row as word2vec.c does: key, blank, little-endian float32, line end."""
    raw = pa.py_buffer(np.ascontiguousarray(matrix, dtype="<f4"))
    width = pa.binary(4 * matrix.shape[1])
    rows = pa.FixedSizeBinaryArray.from_buffers(width, len(matrix), [None, raw]).cast(pa.binary())
    return b"", _lines(pc.binary_join_element_wise(keys.cast(pa.binary()), rows, b" "))


def _array(keys: Any, matrix: Floats) -> tuple[bytes, bytes]:
    return _lines(keys), np.ascontiguousarray(matrix, dtype="<f4").tobytes()


def _rows_of(values: Any, shape: tuple[int, ...]) -> Any:
    offsets = np.arange(0, shape[0] * shape[1] + 1, shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _lines(rows: Any) -> bytes:
    joined = pc.binary_join(_rows_of(rows.cast(pa.binary()), (1, len(rows))), b"\n")
    return bytes(joined[0].as_py()) + b"\n"


def write_export(chunks: DataFrame, uri: str, size: ExportSize, *, export_format: str) -> int:
    """Write chunks to a temporary name and move it into place when complete; return the rows.

    The driver holds the chunks of one partition at a time.

    Args:
        chunks: Frame of `format_chunks`.
        uri: File, or for `npy` folder, with its scheme; an earlier one is replaced.
        size: Size for the header; the number of rows written must equal it.
        export_format: Format of the chunks.

    Raises:
        InputError: A folder is where the file should be, or a file where the folder should be.
    """
    filesystem, target = resolve(uri)
    parent, _, name = target.rstrip("/").rpartition("/")
    temporary = f"{parent or '.'}/.{name}.{uuid.uuid4().hex}"
    is_folder = export_format == "npy"
    _require_kind(filesystem, target, uri, is_folder=is_folder)
    remove = filesystem.delete_dir if is_folder else filesystem.delete_file
    filesystem.create_dir(temporary if is_folder else parent or ".", recursive=True)
    try:
        rows = _write(chunks, filesystem, temporary, size, export_format)
        if rows != size.row_count:
            raise VectormillError(f"{rows} rows came of {size.row_count}; run the job again")
        if is_folder and _kind(filesystem, target) == fs.FileType.Directory:
            filesystem.delete_dir(target)
        filesystem.move(temporary, target)
    finally:
        if _kind(filesystem, temporary) != fs.FileType.NotFound:
            remove(temporary)
    return rows


def _write(
    chunks: DataFrame, filesystem: Any, place: str, size: ExportSize, export_format: str
) -> int:
    rows = 0
    with ExitStack() as streams:
        if export_format == "npy":
            data = streams.enter_context(filesystem.open_output_stream(f"{place}/vectors.npy"))
            keys = streams.enter_context(filesystem.open_output_stream(f"{place}/keys.txt"))
        else:
            data = keys = streams.enter_context(filesystem.open_output_stream(place))
        data.write(_header(size, export_format))
        for chunk in chunks.toLocalIterator():
            data.write(chunk["data"])
            if chunk["keys"]:
                keys.write(chunk["keys"])
            rows += chunk["row_count"]
    return rows


def _header(size: ExportSize, export_format: str) -> bytes:
    shape = (size.row_count, size.dimension)
    if export_format != "npy":
        return f"{shape[0]} {shape[1]}\n".encode()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


def _kind(filesystem: Any, path: str) -> Any:
    return filesystem.get_file_info(path).type


def _require_kind(filesystem: Any, path: str, uri: str, *, is_folder: bool) -> None:
    kind = _kind(filesystem, path)
    if is_folder and kind == fs.FileType.File:
        raise InputError(f"{uri}: is a file where npy writes a folder; name another place")
    if not is_folder and kind == fs.FileType.Directory:
        raise InputError(f"{uri}: is a folder; name a file (outputs.export)")
