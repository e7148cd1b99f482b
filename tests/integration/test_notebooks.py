"""The notebooks run on published tables, are stripped of outputs, and define nothing."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from pyspark.sql import SparkSession

from pipelines import tables
from schemas import VECTORS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore_vectors.ipynb"
PLANTED = {"mean": 0, "median": 0, "variance": 0, "monday": 1, "sunday": 1, "friday": 1}
FILES = {"lib/statistics.py": 0, "lib/fractions.py": 0, "lib/calendar.py": 1, "lib/datetime.py": 1}


def publish(spark: SparkSession, uri: Path, keys: dict[str, list[tuple[str, int]]]) -> None:
    """Publish vectors near one axis for each group, so that neighbours are known."""
    rng, rows = np.random.default_rng(4), []
    for entity, members in keys.items():
        for key, group in members:
            vector = np.eye(2, 6)[group] + rng.normal(scale=0.05, size=6)
            norm = float(np.linalg.norm(vector))
            rows.append((f"{uri.name}-1", entity, key, vector.tolist(), norm))
    frame = spark.createDataFrame(rows, VECTORS.schema()).coalesce(1)
    tables.publish(frame, VECTORS, str(uri), format="delta", space_id="s", metadata={})


def run_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Execute the notebook on the tables of a folder and return the text of each cell's outputs."""
    monkeypatch.setenv("VECTORMILL_TABLES", str(folder))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output["text"]
            shown.append(
                output.get("text") or output["data"].get("text/html") or str(output["data"])
            )
    return shown


def test_it_shows_the_planted_neighbours(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(spark, tmp_path / "word_vectors", {"word": list(PLANTED.items())})
    items = [("math.fsum", 0), ("date.today", 1)]
    publish(spark, tmp_path / "recommender_vectors", {"user": list(FILES.items()), "item": items})
    shown = "\n".join(run_notebook(tmp_path, monkeypatch))
    assert "6 words of 6 dimensions" in shown
    assert any(
        f"mean</td><td>&quot;{pair}" in shown.replace("&quot;mean&quot;", "mean")
        for pair in ("median, variance", "variance, median")
    )
    assert "image/png" in shown
    assert "files like lib/statistics.py" in shown
    assert shown.index("lib/fractions.py") < shown.index("lib/calendar.py")
    assert shown.index("math.fsum") < shown.index("date.today")


def test_it_works_where_none_of_its_words_are(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(spark, tmp_path / "word_vectors", {"word": [("$x$", 0), ("<b>", 1)]})
    publish(spark, tmp_path / "recommender_vectors", {"user": [("u1", 0)], "item": [("i1", 1)]})
    shown = "\n".join(run_notebook(tmp_path, monkeypatch))
    assert "1 users and 1 items" in shown
    assert "files like u1" in shown


def code_cells() -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_stripped() -> None:
    for cell in code_cells():
        assert cell.outputs == []
        assert cell.execution_count is None
    assert nbformat.read(NOTEBOOK, as_version=4).metadata.kernelspec.name == "python3"


def test_it_defines_nothing() -> None:
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code_cells():
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defining)]
