"""Documents that are not kept because of another one, found by one task on narrow rows."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.corpus.deciding import Losses
from pipelines.storage.task_files.arrow import make_folder, resolve
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import DUPLICATE_DOCUMENTS

if TYPE_CHECKING:
    import polars as pl

_LOST = pa.schema([("place", pa.int64()), ("is_sound", pa.bool_()), ("is_repeated", pa.bool_())])
_TEXT = ("_content", "_other_content")
_ROWS = 1 << 20  # rows of a file of duplicates


@dataclass(frozen=True)
class Lost:
    """What was found.

    Args:
        losses: How many are lost.
        tasks: Numbers of the tasks that judged some of them.
        duplicates: Files of `duplicate_documents`.
        folder: Where they are listed, in a folder per task.
    """

    losses: Losses
    tasks: list[int]
    duplicates: list[Piece]
    folder: str

    def of_task(self, task: int) -> pa.Table:
        """Return the lost documents that a task judged, by place.

        Returns:
            Rows of `place, is_sound, is_repeated`.
        """
        if task not in self.tasks:
            return _LOST.empty_table()
        files, path = resolve(_folder(self.folder, task))
        found = files.get_file_info(fs.FileSelector(path))
        names = [info.path for info in found if info.path.endswith(".parquet")]
        how: Any = {"schema": _LOST, "filesystem": files, "partitioning": None}
        return pa.concat_tables(pq.read_table(name, **how) for name in names).sort_by("place")


@dataclass(frozen=True)
class PackedLosers:
    """Finds them; it is sent to a task.

    Args:
        narrow: Files of narrow rows.
        duplicates: Writes pieces of `duplicate_documents`.
        folder: Where lost documents are listed, in a folder of this attempt.
    """

    narrow: Sequence[str]
    duplicates: PieceWriter
    folder: str

    def __call__(self, threads: int) -> Lost:
        """Find them, and write the duplicates and, by task, who is lost."""
        folder = f"{self.folder}/lost-{uuid.uuid4().hex}"
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(_read, self.narrow))
            lost = losers(pa.concat_tables(parts))
            found = lost.partition_by("task", as_dict=True)
            tasks = [int(key[0]) for key in found]
            list(pool.map(partial(_list, folder), tasks, found.values()))
            copies = lost.filter(lost["kept_doc_id"].is_not_null()).to_arrow()
            copies = copies.select(DUPLICATE_DOCUMENTS.column_names)
            slices = (copies.slice(n, _ROWS) for n in range(0, copies.num_rows, _ROWS))
            pieces = list(pool.map(self.duplicates, slices))
        repeated = lost.filter(lost["is_repeated"])
        sound = int(repeated["is_sound"].sum())
        return Lost(Losses(copies.num_rows, len(repeated), sound), tasks, pieces, folder)


def _list(folder: str, task: int, rows: "pl.DataFrame") -> None:
    own = _folder(folder, task)
    make_folder(own)
    files, path = resolve(f"{own}/lost.parquet")
    pq.write_table(rows.select(_LOST.names).to_arrow(), path, filesystem=files)


def _folder(folder: str, task: int) -> str:
    """Return where the lost documents of a task are listed, as Spark names partitions."""
    return f"{folder}/task={task}"


def _read(file: str) -> pa.Table:
    files, path = resolve(file)
    return pq.read_table(path, filesystem=files)


def losers(narrow: pa.Table) -> "pl.DataFrame":
    """Return the documents that are not kept because of another one, by source and position.

    Of documents with one id the first by (source, position) keeps it; of sound ones with one text,
    without those whose id is repeated, the first is kept.

    Args:
        narrow: Rows of `spilling.NARROW`.

    Returns:
        Rows of `task, place, is_sound, doc_id, source, position, is_repeated, kept_doc_id`.
    """
    import polars as pl  # in the task: after the worker has forked

    rows: Any = pl.from_arrow(narrow)
    is_some = rows["doc_id"].is_duplicated()
    is_some |= rows["is_sound"] & rows.select(_TEXT).is_duplicated()
    some = rows.filter(is_some).sort("source", "position", maintain_order=True)
    some = some.with_columns(is_repeated=~some["doc_id"].is_first_distinct())
    has_text = pl.col("is_sound") & ~pl.col("is_repeated")
    first = pl.col("doc_id").filter(has_text).first().over(_TEXT)
    is_later = has_text & ~pl.struct(*_TEXT, has_text.alias("has")).is_first_distinct()
    some = some.with_columns(kept_doc_id=pl.when(is_later).then(first))
    lost: pl.DataFrame = some.filter(pl.col("is_repeated") | pl.col("kept_doc_id").is_not_null())
    return lost.drop(_TEXT)
