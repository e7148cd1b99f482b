"""Files of documents without those that are lost to others, and small files made into larger ones.

A file none of whose rows is lost stays as the task that judged the documents wrote it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.arrays.chunks import whole
from pipelines.arrays.reasons import REASON, appended, no_reasons
from pipelines.corpus.by_tasks.losers import Lost
from pipelines.corpus.by_tasks.spilling import SAMPLES, Spill
from pipelines.corpus.by_tasks.units import Unit
from pipelines.storage.task_files.arrow import resolve
from pipelines.storage.task_files.gathered import GatheredPieces
from pipelines.storage.task_files.pieces import Piece, PieceWriter

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Withdrawer:
    """Writes units anew; it is sent to tasks.

    Args:
        documents: Writes pieces of `documents`; `Spiller` has written them.
        rejected: Writes pieces of `rejected_documents`; `Spiller` has written them.
        lost: Who is lost.
    """

    documents: PieceWriter
    rejected: PieceWriter
    lost: Lost

    def __call__(self, unit: Unit) -> Spill:
        """Return the files of a unit as they are to be, and samples of new reasons."""
        documents, rejected = GatheredPieces(self.documents), GatheredPieces(self.rejected)
        samples: list[dict[str, str | None]] = []
        for spill in unit.spills:
            lost = self.lost.of_task(spill.task)
            sound = lost.filter(lost["is_sound"])
            for piece, rows, is_repeated in _pieces(spill.documents, sound):
                if not len(rows) and not unit.is_joined:
                    documents.keep(piece)
                    continue
                stored = _read(self.documents, piece)
                documents.add(stored.filter(pa.array(_is_other(stored, rows))))
                repeated = _repeated(stored.take(pa.array(rows[is_repeated])))
                samples += [row[0] for row in repeated["reasons"][:SAMPLES].to_pylist()]
                rejected.add(repeated.select(self.rejected.table.column_names))
            others = lost.filter(pc.invert(lost["is_sound"]))
            for piece, rows, _ in _pieces(spill.rejected, others):
                if not len(rows) and not unit.is_joined:
                    rejected.keep(piece)
                    continue
                rejected.add(_with_repetition(_read(self.rejected, piece), rows))
        return replace(
            unit.spills[0],
            documents=documents.close(),
            rejected=rejected.close(),
            samples=samples[:SAMPLES],
        )


def _pieces(
    pieces: Iterable[Piece], lost: pa.Table
) -> Iterator[tuple[Piece, Rows, NDArray[np.bool_]]]:
    """Yield each file with the rows in it that are lost, and which of them have a repeated id."""
    places = lost["place"].to_numpy()
    is_repeated = np.asarray(lost["is_repeated"].to_numpy(), bool)
    first = 0
    for piece in pieces:
        low, high = np.searchsorted(places, (first, first + piece.rows))
        yield piece, places[low:high] - first, is_repeated[low:high]
        first += piece.rows


def _read(writer: PieceWriter, piece: Piece) -> pa.Table:
    """Return the rows of a file, whose columns take nulls as those of rows that are made do."""
    files, path = resolve(f"{writer.folder}/{piece.file}")
    stored = pq.read_table(path, filesystem=files, partitioning=None)
    return stored.cast(pa.schema([pa.field(each.name, each.type) for each in stored.schema]))


def _is_other(table: pa.Table, rows: Rows) -> NDArray[np.bool_]:
    is_other = np.ones(table.num_rows, bool)
    is_other[rows] = False
    return is_other


def _repeated(documents: pa.Table) -> pa.Table:
    """Return sound documents whose id is repeated as rejected ones."""
    rejected = documents.append_column("reasons", no_reasons(documents.num_rows))
    return _with_repetition(rejected, np.arange(documents.num_rows))


def _with_repetition(rejected: pa.Table, rows: Rows) -> pa.Table:
    """Add the reason of a repeated id to some rows, and have their ids name their places."""
    is_repeated = pa.array(~_is_other(rejected, rows))
    ids = rejected["doc_id"]
    place = pc.binary_join_element_wise(
        rejected["source"], rejected["position"].cast(pa.string()), ":"
    )
    places = pc.binary_join_element_wise(ids, place, "@")
    given = whole(ids).take(pa.array(rows))
    new = pa.array([("unique_id", each, "first of its id") for each in given.to_pylist()], REASON)
    reasons = appended([whole(rejected["reasons"])], rows, new)
    found = rejected.set_column(0, "doc_id", pc.if_else(is_repeated, places, ids))
    return found.set_column(found.schema.names.index("reasons"), "reasons", reasons)
