"""What readers changed in records that they kept: counted and told."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.names import NOTES


def counts_of(records: DataFrame, **others: Column) -> dict[str, int]:
    """Count the `records` and those with each note, and other things in the same pass.

    Args:
        records: Records with their `notes`.
        others: Aggregates by name.
    """
    notes = F.split("notes", " ")
    noted = {name: F.count_if(F.array_contains(notes, name)) for name in NOTES}
    wanted = {"records": F.count(F.lit(1)), **noted, **others}
    counted = records.agg(*(column.alias(name) for name, column in wanted.items()))
    return {name: int(count) for name, count in counted.collect()[0].asDict().items()}


def note_lines(counts: Mapping[str, int]) -> list[str]:
    """Return a line for each note that there is, as a job's summary shows it."""
    return [
        f"notes: {counts[name]:,} x {name}: {meaning}"
        for name, meaning in NOTES.items()
        if counts.get(name)
    ]
