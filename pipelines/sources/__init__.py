"""Raw input files: which there are, and their records with the place each came from."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.sources.config import SourceSettings
    from pipelines.sources.frames import frame_records
    from pipelines.sources.records import read_records
    from pipelines.sources.request import Field
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["SourceSettings"],
            "frames": ["frame_records"],
            "records": ["read_records"],
            "request": ["Field"],
        },
    )

__all__ = ["Field", "SourceSettings", "frame_records", "read_records"]
