"""What reading tells beside records: notes on those that were kept, and files that broke off."""

from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.names import BROKEN_FILE, NOTES

Broken = tuple[str, int, str]
"""Source, size and error of a file that broke off."""


def note_lines(counts: Mapping[str, int], meanings: Mapping[str, str] = NOTES) -> list[str]:
    """Return a line for each note that there is, as a job's summary shows it."""
    return [
        f"notes: {counts[name]:,} x {name}: {meaning}"
        for name, meaning in meanings.items()
        if counts.get(name)
    ]


def count_notes(notes: pa.Array) -> Counter[str]:
    """Count the records that bear each note."""
    return Counter(name for each in notes.drop_null().to_pylist() for name in set(each.split(" ")))


def without_broken(
    batch: pa.RecordBatch, told: list[Broken], *, error: str = "record"
) -> pa.RecordBatch:
    """Return the rows that are records, and add the files that broke off to a list.

    Args:
        batch: Records of `source, position, problem` and others.
        told: Files that broke off.
        error: Column that holds the error.
    """
    if batch["problem"].null_count == len(batch):
        return batch
    is_broken = pc.fill_null(pc.equal(batch["problem"], BROKEN_FILE), False)
    told.extend(_broken(batch.filter(is_broken).select(["source", "position", error])))
    return batch.filter(pc.invert(is_broken))


def _broken(rows: pa.RecordBatch) -> Iterator[Broken]:
    yield from zip(*rows.to_pydict().values(), strict=True)
