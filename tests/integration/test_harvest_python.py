"""`harvest_python`: what it writes is what Python's own `ast` finds, once per installation."""

import ast
import gzip
import json
import statistics
from pathlib import Path

from jobs.harvest_python import run
from pipelines.harvest.config import HarvestOutputs, HarvestPythonConfig
from pipelines.harvest.python import module_rows, source_files


def lines(folder):
    return [
        json.loads(line)
        for part in sorted(Path(folder).glob("*.gz"))
        for line in gzip.open(part, "rt", encoding="utf-8")
    ]


def test_documents_and_calls_are_written_and_a_second_run_changes_nothing(spark, tmp_path):
    config = HarvestPythonConfig(
        outputs=HarvestOutputs(corpus=str(tmp_path / "corpus"), event_log=str(tmp_path / "calls")),
        packages=[],
        max_files=12,
    )
    result = run(spark, config)
    documents, calls = lines(tmp_path / "corpus"), lines(tmp_path / "calls")
    assert (len(documents), len(calls)) == (result.rows_out["document"], result.rows_out["call"])
    assert {"topic:assert", "topic:lambda"} < {d["id"] for d in documents}
    assert len({d["id"] for d in documents}) == len(documents)
    assert set(calls[0]) == {"file", "name", "position"}
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.gz")}
    assert run(spark, config).status == "unchanged"
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.gz")} == before


def test_docstrings_and_calls_of_a_module():
    source = (
        'def mean(data):\n    """Return the mean."""\n    return total(data) / len(data.sort())\n'
    )
    rows = list(module_rows(ast.parse(source), "m.py"))
    documents = [json.loads(record) for kind, *_, record in rows if kind == "document"]
    calls = [json.loads(record) for kind, *_, record in rows if kind == "call"]
    assert documents == [{"id": "m.py:1:mean", "text": "Return the mean."}]
    assert sorted(call["name"] for call in calls) == ["len", "sort", "total"]
    assert {call["position"] for call in calls} == {3}


def test_the_standard_library_is_found_without_its_tests():
    names = {name for _, name, _ in source_files([], ["test"], max_files=None)}
    assert Path(statistics.__file__).name in names
    assert not any(name.startswith(("test/", "site-packages/")) for name in names)
