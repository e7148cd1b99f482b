"""Tasks that do not hold all of the other side: which of its rows they hold, and how often read."""

import json

import numpy as np
import pytest

from pipelines.als.fit import Fit
from pipelines.als.layouts.held_rows import HalfSweep, held_rows
from pipelines.als.objective import Objective
from pipelines.als.stored_fit import StoredFit, factors_row, gramian_row
from pipelines.als.sweep import Cells, Solver, gramian
from pipelines.training import tasks
from pipelines.training.stored_arrays import FILES

ITEMS, BLOCKS, RANK, HELD = 23, 3, 4, 4
NEEDS = {0: [1, 2, 3], 1: [3, 4], 2: list(range(5, 15)), 3: [22, 0], 4: [], 5: [22], 6: [6, 1, 7]}


@pytest.fixture
def factors(tmp_path):
    """Return factors of items that are kept as version `round=0`, in two files of blocks."""
    made = np.random.default_rng(0).normal(size=(ITEMS, RANK)).astype(np.float32)
    blocks = [made[number::BLOCKS] for number in range(BLOCKS)]
    rows = [factors_row("items", n, block, np.ones(len(block))) for n, block in enumerate(blocks)]
    rows.append(gramian_row("items", 0, gramian(made)))
    (tmp_path / "round=0").mkdir()
    write = tasks.writer(str(tmp_path / "round=0"), lambda numbers: [rows[n] for n in numbers])
    (tmp_path / "round=0.json").write_text(json.dumps({FILES: [*write([0, 1]), *write([2, 3])]}))
    return made


def half(folder, held):
    """Return the users' half-sweep of explicit ratings, whose rows are regressed on as stored."""
    objective = Objective("explicit", 0.1, 1.0, 1.0, 0.0, 3.0, has_biases=False)
    fit = Fit(
        folder=str(folder),
        sizes={"users": 9, "items": ITEMS},
        counts={"users": 9, "items": ITEMS},
        blocks=BLOCKS,
        rank=RANK,
        objective=objective,
        solver=Solver("dual", 3),
        seed=1,
        threads=1,
        max_iter=1,
        tolerance=None,
    )
    return HalfSweep(fit, "users", "round=0", "round=0", held)


def read(number):
    """Return the cells of one row that needs some items."""
    columns = np.array(NEEDS[number], np.int32)
    return Cells(np.array([0, columns.size]), columns, np.ones(columns.size, np.float32))


def test_blocks_share_a_reading_while_their_rows_fit(tmp_path, factors):
    groups = list(held_rows(half(tmp_path, HELD), StoredFit(str(tmp_path)), list(NEEDS), read, map))
    assert [group for group, _ in groups] == [[0, 1], [2], [3, 4, 5], [6]]
    for group, held in groups:
        needed = {column for number in group for column in NEEDS[number]}
        assert len(held.opposite.rows) == len(needed)
        assert held.opposite.count == ITEMS
        for number in group:
            own = held.of(read(number))
            np.testing.assert_array_equal(held.opposite.rows[own.columns], factors[NEEDS[number]])


def test_each_group_reads_the_other_side_once(tmp_path, factors, monkeypatch):
    seen, rows = [], StoredFit.rows

    def watching(self, *given, **wanted):
        for row in rows(self, *given, **wanted):
            seen.append((wanted["kind"], row[0]))
            yield row

    monkeypatch.setattr(StoredFit, "rows", watching)
    groups = held_rows(half(tmp_path, HELD), StoredFit(str(tmp_path)), list(NEEDS), read, map)
    count = sum(1 for _ in groups)
    assert count == 4
    assert [seen.count(("items", number)) for number in range(BLOCKS)] == [count] * BLOCKS


def test_a_task_with_room_for_all_rows_holds_all(tmp_path, factors):
    ((group, held),) = held_rows(
        half(tmp_path, ITEMS), StoredFit(str(tmp_path)), list(NEEDS), read, map
    )
    assert group == list(NEEDS)
    assert held.of(read(2)).columns.tolist() == NEEDS[2]
    np.testing.assert_array_equal(held.opposite.rows, factors)
