"""Documents leave their files: those that are lost to others, and no other one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus.by_tasks.losers import PackedLosers
from pipelines.corpus.by_tasks.spilling import Spiller
from pipelines.corpus.by_tasks.units import units_of
from pipelines.corpus.by_tasks.withdrawing import Withdrawer
from pipelines.corpus.cleaning import judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.storage.task_files import gathered
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS

NAMES = ("source", "position", "text", "id", "record", "problem", "notes")
TEXT = "five words are quite enough"


def batches(rows: list[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
    """Yield a record per batch, of an id and a text."""
    for n, (key, text) in enumerate(rows):
        values = ["f", n, text, key, None, None, None]
        types = [pa.int64() if name == "position" else pa.string() for name in NAMES]
        columns = [pa.array([v], kind) for v, kind in zip(values, types, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=NAMES)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_only_files_with_losses_are_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(gathered, "PIECE_BYTES", size)  # a file per document, or one file
    settings = CleaningSettings(id_column="id", language_detector="none")
    tables = (DOCUMENTS, REJECTED_DOCUMENTS, DUPLICATE_DOCUMENTS)
    documents, rejected, duplicates = (PieceWriter(str(tmp_path), t, "zstd") for t in tables)
    spiller = Spiller(judge_of(settings, NAMES), documents, rejected, str(tmp_path))
    rows = [("a", TEXT), ("b", "too short"), ("c", TEXT.upper()), ("a", f"{TEXT} 2")]
    rows += [("b", "short"), ("d", f"{TEXT} 3"), ("b", "brief"), ("e", "words"), ("e", "a word")]
    told = spiller.spill(batches(rows))
    assert (told.records, dict(told.reasons)) == (9, {"word_count": 5})
    counts = len(told.documents), len(told.rejected)
    assert counts == ((4, 5) if size == 1 else (1, 1))
    lost = PackedLosers([told.narrow], duplicates, str(tmp_path))(1)
    [unit] = units_of([told], lost.tasks)
    new = Withdrawer(documents, rejected, lost)(unit)

    def stored(pieces: list[Piece]) -> list[dict[str, Any]]:
        found = [row for each in pieces for row in pq.read_table(tmp_path / each.file).to_pylist()]
        return sorted(found, key=lambda row: row["position"])

    assert [(r["doc_id"], r["text"]) for r in stored(new.documents)] == [rows[0], rows[5]]
    assert [(r["doc_id"], r["kept_doc_id"]) for r in stored(lost.duplicates)] == [("c", "a")]
    others = stored(new.rejected)
    ids = {row["doc_id"]: [each["rule"] for each in row["reasons"]] for row in others}
    both = ["word_count", "unique_id"]
    wanted = {"b": both[:1], "a@f:3": both[1:], "b@f:4": both, "b@f:6": both, "e": both[:1]}
    assert ids == wanted | {"e@f:8": both}
    repeated = [r for r in others if r["reasons"][-1]["rule"] == "unique_id"]
    assert [r["reasons"][-1]["value"] for r in repeated] == ["a", "b", "b", "e"]
    assert {"rule": "unique_id", "value": "a", "threshold": "first of its id"} in new.samples
    kept = {each.file for each in told.documents} & {each.file for each in new.documents}
    assert len(kept) == (2 if size == 1 else 0)
