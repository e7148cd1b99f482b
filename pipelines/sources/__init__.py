"""Raw input files: which there are, and their records with the place each came from."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.sources.records import frame_records, read_records
else:
    __getattr__ = lazy_names(__name__, {"records": ["frame_records", "read_records"]})

__all__ = ["frame_records", "read_records"]
