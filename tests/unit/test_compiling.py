"""Machine code of kernels is kept from process to process, until a source of theirs changes."""

import json
import os
import subprocess
import sys

SCRIPT = """
import json, sys
import numpy as np
from pipelines.training import compiling
if sys.argv[1] == "changed":
    compiling._sources = lambda stage: "another digest"
from pipelines.training.grouping import grouped
grouped(np.zeros(1, np.int32), np.zeros(1, np.int32), 1)
stats = grouped.stats
print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]))
"""


def hits_and_misses(folder, state):
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, state], capture_output=True, text=True, check=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
    )  # fmt: skip
    return json.loads(told.stdout)


def test_a_kernel_is_compiled_once_on_a_machine_and_again_after_a_change(tmp_path):
    states = ("first", "again", "changed", "changed")
    assert [hits_and_misses(tmp_path, state) for state in states] == [
        [0, 1],
        [1, 0],
        [0, 1],
        [1, 0],
    ]
