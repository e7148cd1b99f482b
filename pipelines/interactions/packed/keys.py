"""Keys of users and items as numbers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.chunks import whole
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

    def encoded(self, rows: NDArray[np.int64]) -> pa.DictionaryArray:
        """Return the keys of some rows, which have one, as dictionary-encoded strings."""
        return pa.DictionaryArray.from_arrays(pa.array(self.codes[rows]), self.names)

    def filled(self, name: str) -> "Keys":
        """Give rows without a key this one; it may stand last, whatever its bytes."""
        if self.codes.size == 0 or self.codes.min() >= 0:
            return self
        places = pc.index_in(pa.array([name]), self.names)
        place = places[0].as_py()
        names = self.names
        if place is None:
            place, names = len(names), pa.concat_arrays([names, pa.array([name], names.type)])
        return Keys(np.where(self.codes < 0, np.int32(place), self.codes), names)


def values_of(column: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values of a column of numbers, 0 for nulls, and where it has a value."""
    if not column.null_count:
        return column.to_numpy(), np.ones(len(column), bool)
    is_valid = np.asarray(pc.is_valid(column).to_numpy())
    return column.fill_null(pa.scalar(0, column.type)).to_numpy(), is_valid


def keys_of(column: pa.ChunkedArray) -> Keys:
    """Return a column of dictionary-encoded strings as `Keys`."""
    encoded = whole(column.unify_dictionaries())
    order = np.asarray(pc.array_sort_indices(encoded.dictionary))
    rank = np.full(len(order) + 1, -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    codes = np.asarray(encoded.indices.fill_null(len(order)))
    return Keys(rank[codes], encoded.dictionary.take(pa.array(order)))


def read_table(files: Sequence[str], schema: pa.Schema, threads: int) -> pa.Table:
    """Return columns of all rows of some Parquet files; the order of rows is always the same."""

    def part(number: int) -> list[pa.RecordBatch]:
        return list(read_part(files, number, threads, schema))

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(part, range(threads)))
    return pa.Table.from_batches([batch for batches in parts for batch in batches], schema)
