"""Keeping what was persisted of an earlier read from answering a later one."""

import uuid

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def fresh(frame: DataFrame) -> DataFrame:
    """Mark a frame as a read of its own.

    Spark takes frames over the same paths as equal, whatever the files hold by now, and answers
    from any persisted one; the optimiser removes the mark.
    """
    return frame.where(F.lit(uuid.uuid4().hex) != "")
