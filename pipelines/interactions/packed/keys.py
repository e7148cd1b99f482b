"""Keys of users and items as numbers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.storage.task_files.columns import read_part

CODES = pa.dictionary(pa.int32(), pa.string())
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Keys:
    """One column of strings.

    Args:
        codes: Of each row the place of its key in `names`, -1 where it is null.
        names: The distinct keys in the order of their UTF-8 bytes.
    """

    codes: Codes
    names: pa.Array

    def __len__(self) -> int:
        """Return the number of distinct keys."""
        return len(self.names)

    def flags(self, of_names: pa.Array, *, null: bool) -> NDArray[np.bool_]:
        """Return for each row what is true of its key.

        Args:
            of_names: A boolean per distinct key.
            null: What is true of a null.
        """
        return np.append(of_names.to_numpy(zero_copy_only=False).astype(bool), null)[self.codes]


def keys_of(column: pa.ChunkedArray) -> Keys:
    """Return a column of dictionary-encoded strings as `Keys`."""
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no rows
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], CODES)
    order = np.asarray(pc.array_sort_indices(whole.dictionary))
    rank = np.full(len(order) + 1, -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    codes = np.asarray(whole.indices.fill_null(len(order)))
    return Keys(rank[codes], whole.dictionary.take(pa.array(order)))


def read_table(files: Sequence[str], schema: pa.Schema, threads: int) -> pa.Table:
    """Return columns of all rows of some Parquet files; the order of rows is always the same."""

    def part(number: int) -> list[pa.RecordBatch]:
        return list(read_part(files, number, threads, schema))

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(part, range(threads)))
    return pa.Table.from_batches([batch for batches in parts for batch in batches], schema)
