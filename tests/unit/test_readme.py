"""What the README shows of reading vectors runs as it stands; the commands it shows exist."""

import importlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.settings import Settings, read_yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (.+)$", TEXT.replace("\\\n", " "), re.MULTILINE)
JOBS = {path.stem for path in (ROOT / "jobs").glob("*.py")} - {"__init__"}
SECTION = TEXT.partition("## Reading the vectors")[2]
SNIPPETS = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Return a folder with what `make demo` leaves for readers, of three words."""
    words = {"mean": [1.0, 0.1], "median": [0.9, 0.2], "file": [-1.0, 0.5]}
    frame = pl.DataFrame(
        {
            "space_id": ["s"] * 3,
            "entity": ["word"] * 3,
            "key": list(words),
            "vector": list(words.values()),
            "norm": [1.0] * 3,
        },
        schema_overrides={"vector": pl.List(pl.Float32), "norm": pl.Float32},
    )
    frame.write_delta(str(tmp_path / "tables" / "word_vectors"))
    lines = ["3 2", *(f"{key} {x} {y}" for key, (x, y) in words.items())]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "word_vectors.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


def _run(snippet: str, demo: Path) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(snippet.replace("build/demo", str(demo)), names)  # noqa: S102  (our own README)
    return names


def test_polars_pandas_and_gensim_read_as_the_readme_says(demo: Path) -> None:
    with_polars, with_pandas, with_gensim = (_run(snippet, demo) for snippet in SNIPPETS)
    assert set(with_polars["words"]["key"]) == {"mean", "median", "file"}
    pandas_frame = with_pandas["pandas_frame"].set_index("key")
    assert pandas_frame.loc["median", "vector"].tolist() == pytest.approx([0.9, 0.2])
    assert with_gensim["vectors"].most_similar("mean")[0][0] == "median"


def test_duckdb_reads_as_the_readme_says(demo: Path) -> None:
    [query] = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)
    with duckdb.connect() as connection:
        [extension] = Path(str(files("duckdb_extension_delta"))).rglob("delta.duckdb_extension")
        connection.load_extension(str(extension))
        found = connection.execute(query.replace("build/demo", str(demo))).fetchall()
    assert [(key, vector) for key, vector in found] == [("mean", pytest.approx([1.0, 0.1]))]


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", TEXT, re.MULTILINE))
    assert named >= {"demo", "test", "build"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_jobs_and_settings_of_commands_exist() -> None:
    run = [re.search(r"(?:vectormill (?!init)|jobs/)(\w+)(?:\.py)? .*", line) for line in COMMANDS]
    calls = [(match[1], match[0]) for match in run if match and "--" in match[0]]
    assert len(calls) > 8
    for name, line in calls:
        for key in re.findall(r"--set ([\w.]+)=", line):
            job, setting = (name, key) if name != "run" else key.split(".", 1)
            assert job in JOBS, line
            assert _has(importlib.import_module(f"jobs.{job}").CONFIG, setting.split(".")), line


def test_workflows_and_steps_of_commands_exist() -> None:
    for file, line in re.findall(r"run (conf/\S+)(.*)", "\n".join(COMMANDS)):
        steps = read_yaml(ROOT / file)["steps"]
        assert set(re.findall(r"--(?:only|from) (\w+)", line)) <= set(steps)


def _has(model: type[Settings], keys: list[str]) -> bool:
    """Tell whether a config model has a nested setting."""
    field = model.model_fields.get(keys[0])
    if field is None or len(keys) == 1:
        return field is not None
    assert isinstance(field.annotation, type)
    return issubclass(field.annotation, Settings) and _has(field.annotation, keys[1:])
