"""The last commit of a table, whatever its storage format."""

from typing import Any

from pipelines.storage import parquet
from pipelines.storage.delta import delta
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files
from pipelines.storage.places import Place


def last_commit(files: Files, place: Place) -> dict[str, Any] | None:
    """Return `version`, `hash`, and `metadata` if vectormill wrote it; None without a table."""
    if place.folder is None or place.stored_as is None:
        return None
    if place.stored_as == "delta":
        return delta.last_commit(files, place.folder)
    folder = parquet.data_folder(files, place.folder)
    infos = files.walk(folder)
    return {
        "version": 0,
        "hash": digest([(info.relative, info.size, info.modified) for info in infos]),
        "metadata": parquet.metadata(files, folder, infos),
    }
