"""The command `peek`: what it prints, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.cli import command

EVENTS = "user,sku,day\nu1,i1,2024-01-01\nu2,i2,2024-01-02\nu3\n"


def test_it_prints_columns_problems_and_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(EVENTS, encoding="utf-8")
    assert command.main(["peek", str(path), "--rows", "1"]) == 0
    told = capsys.readouterr().out
    assert "format csv (by its name), encoding utf-8, delimiter ','" in told
    assert "column_count at 4: u3" in told
    assert told.count('{"user"') == 1
    tree = yaml.safe_load(told.partition("# settings of clean_events\n")[2])
    assert tree["inputs"] == {"events": str(path)}
    assert tree["columns"]["time"] == "day"


def test_it_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(EVENTS, encoding="utf-8")
    assert command.main(["peek", str(tmp_path), "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert [column["type"] for column in tree["columns"]] == ["text", "text", "time"]
    assert tree["problems"] == [{"rule": "column_count", "position": 4, "record": "u3"}]


def test_what_is_not_there_ends_with_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["peek", str(tmp_path / "no")]) == 3
    assert "no such file or folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        command.main(["peek", str(tmp_path), "--rows", "-1"])
    assert ended.value.code == 2


def test_it_starts_no_java(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(EVENTS, encoding="utf-8")
    code = (
        "import sys; from jobs.cli import command; import pyspark; "
        f"assert command.main(['peek', {str(tmp_path)!r}]) == 0; "
        "assert pyspark.SparkContext._gateway is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
