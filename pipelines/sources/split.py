"""A part of a raw file that one task reads, and how the file is opened."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Split:
    """A part of one file.

    Args:
        uri: The file, as Hadoop writes it.
        relative: Its path relative to the input: the `source` of its records.
        size: Bytes of the file.
        start: First byte of the part (for Parquet: first row group).
        end: Byte after the last one (row group after the last), None for the file's end.
        partitions: Columns that the folders of the path name, as `day=2024-01-01/`.
        about: What the format's `split` found out, as the number of the first line.
    """

    uri: str
    relative: str
    size: int
    start: int = 0
    end: int | None = None
    partitions: dict[str, str | None] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
