"""Machine code of kernels is kept from process to process, until a source of theirs changes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pipelines
from pipelines.als.kernels.row_kernel import solve_rows

SCRIPT = """
import importlib, json, sys
import numpy as np
from pipelines.kernels import compiling
from pipelines.arrays import grouping
for state in sys.argv[1:]:
    if state == "changed":
        compiling._sources = lambda module: "another digest"
    grouped = importlib.reload(grouping).grouped
    grouped(np.zeros(1, np.int32), np.zeros(1, np.int32), 1)
    stats = grouped.stats
    print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]))
"""


def hits_and_misses(folder, *states):
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, *states],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
    )
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_a_kernel_is_compiled_once_on_a_machine_and_again_after_a_change(tmp_path):
    assert hits_and_misses(tmp_path, "first") == [[0, 1]]
    assert hits_and_misses(tmp_path, "again", "changed") == [[1, 0], [0, 1]]
    assert hits_and_misses(tmp_path, "changed") == [[1, 0]]


FIRST_USE = """
import hashlib
import numpy as np
from pipelines.als import sweep
from pipelines.als.kernels import row_kernel
from pipelines.als.objective import Objective
rng = np.random.default_rng(0)
items = rng.normal(size=(90, 8)).astype(np.float32)
lengths = rng.integers(1, 40, 200)
columns = rng.integers(0, 90, lengths.sum()).astype(np.int32)
cells = sweep.Cells(np.r_[0, np.cumsum(lengths)], columns, np.ones(columns.size, np.float32))
goal = Objective("ials", 0.1, 1.0, 1.0, 0.1, 0.0, has_biases=False)
for name in ("conjugate_gradients", "dual"):
    solver = sweep.Solver(name, 3)
    opposite = sweep.prepare_opposite(items, sweep.gramian(items), goal, solver, 90)
    found, _ = sweep.solve(cells, np.zeros((200, 8), np.float32), opposite, goal, solver)
    print(hashlib.sha256(found.tobytes()).hexdigest())
print(row_kernel.solve_rows.stats.cache_path)
"""


def keep(compiled, usual):
    """Give the kernel to the tests after this one, where none is: it takes half a minute."""
    usual.mkdir(parents=True, exist_ok=True)
    if not any(usual.glob("row_kernel.solve_rows-*")):
        for code in sorted(compiled.glob("row_kernel.solve_rows-*")):  # the index is last
            shutil.copy(code, usual)


def test_the_process_that_compiles_computes_the_same_bytes_as_those_after_it(tmp_path):
    """Else two executors, or a run and its continuation, would differ in the last digits."""
    told = [
        subprocess.run(
            [sys.executable, "-c", FIRST_USE],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1] != ""
    keep(Path(told[0].split()[-1]), Path(solve_rows.stats.cache_path))


CALLEE = """
from pipelines.kernels.compiling import compiled
@compiled()
def callee():
    return {value}
"""
CALLER = """
from pipelines.kernels.compiling import compiled
{imported}
@compiled()
def caller():
    return {call}()
"""
IMPORTS = {
    "from pipelines.als.deep.inner import callee": "callee",
    "from pipelines.als.deep import inner": "inner.callee",
    "import pipelines.als.deep.inner": "pipelines.als.deep.inner.callee",
    "from pipelines.als.deep import callee": "callee",
}


def test_a_kernel_is_compiled_again_when_a_kernel_that_it_calls_changed(tmp_path):
    """The two may lie in any folders: code kept by folder would go on with the old callee."""
    package = tmp_path / "code" / "pipelines"
    shutil.copytree(Path(pipelines.__file__).parent, package)
    for folder in ("als", "als/deep", "word2vec"):
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").write_text("")
    (package / "als/deep/__init__.py").write_text("from pipelines.als.deep.inner import callee")
    script = ""
    for n, (imported, call) in enumerate(IMPORTS.items()):
        for stage in ("als", "word2vec"):
            caller = CALLER.format(imported=imported, call=call)
            (package / stage / f"outer{n}.py").write_text(caller)
            script += f"from pipelines.{stage}.outer{n} import caller; print(caller())\n"
    told = []
    for value in (1, 2):
        (package / "als/deep/inner.py").write_text(CALLEE.format(value=value))
        ended = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=package.parent,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        told.append(ended.stdout.split())
    assert told == [["1"] * 8, ["2"] * 8]
