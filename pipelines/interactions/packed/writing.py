"""Writing what one task has made: pieces of several tables, by all of its threads."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa

from pipelines.storage.task_files.pieces import Piece, PieceWriter

_PIECE_ROWS = 1 << 20  # rows of a file


def write_tables(
    rows: Mapping[str, pa.Table], writers: Mapping[str, PieceWriter], threads: int
) -> dict[str, list[Piece]]:
    """Write tables by name; return the files of each."""
    calls = [
        (name, partial(writers[name], table.slice(first, _PIECE_ROWS)))
        for name, table in rows.items()
        for first in range(0, max(1, table.num_rows), _PIECE_ROWS)
    ]
    found: dict[str, list[Piece]] = {name: [] for name in rows}
    with ThreadPoolExecutor(threads) as pool:
        futures = [(name, pool.submit(call)) for name, call in calls]
        for name, future in futures:
            found[name].append(future.result())
    return found
