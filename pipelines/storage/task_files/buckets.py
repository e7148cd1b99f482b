"""Rows dealt into buckets: Parquet files whose row groups hold rows of one bucket each."""

import json
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.storage.task_files.arrow import resolve
from pipelines.storage.task_files.columns import read_groups

MOST_BUCKETS = 1 << 15
_HELD_BYTES = 128 << 20  # that a task gathers before it deals them
_BATCH_ROWS = 1 << 17
_DICTIONARY_BYTES = 64 << 20  # of a column of a row group; larger ones are written as strings
_NOTE = "buckets"  # of the footer: the bucket of each row group

Buckets = NDArray[np.uint16]


class BucketFile:
    """A file of rows of several buckets, made with its first rows.

    Args:
        name: Folder and beginning of its name; the rest is unique to the attempt of a task.
    """

    def __init__(self, name: str) -> None:
        self._uri = f"{name}-{uuid.uuid4().hex}.parquet"
        self._writer: Any = None
        self._held: list[tuple[pa.Table, Buckets]] = []
        self._bytes = 0
        self._noted: list[int] = []

    def add(self, rows: pa.Table, buckets: Buckets) -> None:
        """Add rows; strings that repeat may be dictionary-encoded.

        Args:
            rows: Any rows of one schema.
            buckets: Bucket of each row, `(n,)`.
        """
        if not rows.num_rows:
            return
        self._held.append((rows, buckets))
        self._bytes += rows.nbytes
        if self._bytes >= _HELD_BYTES:
            self._flush()

    def _flush(self) -> None:
        whole = pa.concat_tables(rows for rows, _ in self._held)
        buckets = np.concatenate([each for _, each in self._held])
        self._held, self._bytes = [], 0
        order = np.argsort(buckets, kind="stable")
        sorted_rows = whole.unify_dictionaries().combine_chunks().take(pa.array(order))
        begins = np.flatnonzero(np.diff(buckets[order].astype(np.int64), prepend=-1))
        for first, end in zip(begins, [*begins[1:], len(order)], strict=True):
            self._write(sorted_rows.slice(first, end - first))
            self._noted.append(int(buckets[order[first]]))

    def _write(self, rows: pa.Table) -> None:
        columns = {name: _compacted(rows[name]) for name in rows.schema.names}
        table = pa.table(columns, schema=rows.schema)
        if self._writer is None:
            files, path = resolve(self._uri)
            is_encoded = {f.name: pa.types.is_dictionary(f.type) for f in rows.schema}
            self._writer = pq.ParquetWriter(
                path, table.schema, filesystem=files, compression="lz4", write_statistics=False,
                use_dictionary=[name for name, encoded in is_encoded.items() if encoded],
                dictionary_pagesize_limit=_DICTIONARY_BYTES,
            )  # fmt: skip
        self._writer.write_table(table, row_group_size=table.num_rows)

    def close(self) -> str:
        """Return the file's name; empty where there are no rows."""
        if self._held:
            self._flush()
        if self._writer is None:
            return ""
        self._writer.add_key_value_metadata({_NOTE: json.dumps(self._noted)})
        self._writer.close()
        return self._uri


def _compacted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column; of a dictionary-encoded one only the texts that its rows have.

    Parquet stores the whole dictionary with each row group.
    """
    if not pa.types.is_dictionary(column.type):
        return column
    encoded = column.chunk(0)
    count = len(encoded.dictionary)
    codes = encoded.indices.fill_null(count).to_numpy()
    is_used = np.zeros(count + 1, bool)
    is_used[codes] = True
    places = (np.cumsum(is_used) - 1).astype(np.int32)[codes]
    texts = encoded.dictionary.filter(pa.array(is_used[:-1]))
    indices = pa.array(places, mask=codes == count)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, texts)])


def read_bucket(files: Sequence[str], bucket: int, schema: pa.Schema) -> pa.Table:
    """Return the rows of a bucket from files that tasks have dealt, file by file.

    Args:
        files: What `BucketFile.close` returned; empty names are passed over.
        bucket: The bucket.
        schema: Columns; strings may be dictionaries.
    """
    chosen = partial(_groups, bucket)
    batches: list[pa.RecordBatch] = []
    for file in filter(None, files):
        batches += read_groups(file, chosen, schema)
    return pa.Table.from_batches(batches, schema)


def _groups(bucket: int, footer: Any) -> list[int]:
    return [
        n for n, each in enumerate(json.loads(footer.metadata[_NOTE.encode()])) if each == bucket
    ]


def read_batches(file: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file that tasks have written, some at a time."""

    def every(footer: Any) -> list[int]:
        return list(range(footer.num_row_groups))

    return read_groups(file, every, schema, _BATCH_ROWS)
