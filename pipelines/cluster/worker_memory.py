"""What Spark's Python workers need not look through after each task.

A worker that is kept for further tasks collects garbage after each. With numba, numpy and pyarrow
imported that is a walk over 180,000 objects that stay: .05 to .1 s, as long as many a task.
"""

import gc
import os
import sys

_DAEMON = "pyspark.daemon"  # what collects after each task
_OLDEST = 2  # generation of a whole collection


def keep_imports_apart() -> None:
    """Leave what outlives a task out of later collections, in a worker that Spark keeps."""
    if os.environ.get("SPARK_REUSE_WORKER"):
        gc.callbacks.append(_freeze)


def _freeze(phase: str, info: dict[str, int]) -> None:
    """Freeze what is alive between two tasks; in the midst of one that would be its objects too."""
    asked = sys._getframe(1).f_globals.get("__spec__")
    is_whole = phase == "stop" and info["generation"] == _OLDEST
    if is_whole and getattr(asked, "name", "") == _DAEMON:
        gc.freeze()
