"""Folders of gzipped lines: written whole, marked with their version, or not there."""

import json
import uuid

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.storage.hadoop import Files
from pipelines.storage.runs.claims import refuse_foreign

_MARK = "_version.json"


def is_written(files: Files, folder: str, version: str) -> bool:
    """Tell whether a folder was written completely in this version."""
    mark = f"{folder}/{_MARK}"
    return files.exists(mark) and json.loads(files.read_text(mark))["version"] == version


def write_lines(files: Files, lines: DataFrame, folder: str, *, version: str) -> int:
    """Replace a folder by gzipped files of one text line per row; return the lines written.

    Raises:
        ConfigError: What is there are other files.
    """
    refuse_foreign(files, folder, suffix=".jsonl.gz")
    temporary = f"{folder.rstrip('/')}.{uuid.uuid4().hex}"
    observed = Observation()
    counted = lines.observe(observed, F.count(F.lit(1)).alias("rows"))
    try:
        counted.write.option("compression", "gzip").text(temporary)
        parts = [info.uri for info in files.walk(temporary)]
        for number, part in enumerate(parts):
            files.move(part, f"{temporary}/part-{number:05d}.jsonl.gz")
        files.create(f"{temporary}/{_MARK}", json.dumps({"version": version}))
        files.delete(folder)
        files.move(temporary, folder)
    finally:
        files.delete(temporary)
    return int(observed.get["rows"])
