"""Who is lost to whom, decided by one task: as one document after another would decide it."""

import random
from typing import Any

import pyarrow as pa
import pytest

from pipelines.corpus.by_tasks.losers import losers
from pipelines.corpus.by_tasks.spilling import NARROW, Spill
from pipelines.corpus.by_tasks.units import MOST_SMALL, SMALL_BYTES, units_of
from pipelines.storage.task_files.pieces import Piece


def narrow(seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)  # noqa: S311
    rows = [
        {
            "task": n % 4,
            "place": n // 4,
            "is_sound": draw.random() < 0.8,
            "doc_id": f"id {draw.randrange(300)}",
            "source": draw.choice(["a", "b", "\u00e9", "B"]),
            "position": n,
            "_content": draw.randrange(60),
            "_other_content": draw.randrange(2),
        }
        for n in range(200)
    ]
    draw.shuffle(rows)
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_the_first_of_an_id_and_of_a_text_is_kept(seed: int) -> None:
    rows = narrow(seed)
    wanted, ids, texts = {}, set(), dict[tuple[int, int], str]()
    for row in sorted(rows, key=lambda row: (row["source"].encode(), row["position"])):
        key = row["_content"], row["_other_content"]
        if row["doc_id"] in ids:
            wanted[row["position"]] = (True, None)
        elif row["is_sound"] and key in texts:
            wanted[row["position"]] = (False, texts[key])
        elif row["is_sound"]:
            texts[key] = row["doc_id"]
        ids.add(row["doc_id"])
    found = losers(pa.Table.from_pylist(rows, NARROW)).to_dicts()
    assert {r["position"]: (r["is_repeated"], r["kept_doc_id"]) for r in found} == wanted
    assert len(found) == len(wanted) > 50


def spill(task: int, size: int) -> Spill:
    return Spill(task, documents=[Piece("file", 1, 0, size, "")] if size else [])


def test_files_with_losses_are_written_anew_and_many_small_ones_become_few() -> None:
    large = [spill(n, SMALL_BYTES) for n in range(5)]
    assert units_of(large, []) == []
    [unit] = units_of(large, [3])
    assert (unit.spills, unit.is_joined) == ((large[3],), False)
    small = [spill(n, 0 if n == 9 else 1000) for n in range(10, 11 + 2 * MOST_SMALL)]
    units = units_of([*large, *small], [1, 12, 80])
    assert [len(unit.spills) for unit in units] == [1, MOST_SMALL, MOST_SMALL, 1]
    assert [unit.is_joined for unit in units] == [False, True, True, True]
    assert units_of(small[:MOST_SMALL], []) == []
