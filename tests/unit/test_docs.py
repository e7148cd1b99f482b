"""What is generated is current, and says what its source says."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import Field

from pipelines.settings import Settings
from schemas import TABLES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_pages_and_readme_are_current(generate: ModuleType) -> None:
    assert generate.stale() == [], "run make docs"


def test_every_contract_has_its_columns_on_the_page(generate: ModuleType) -> None:
    sections = generate.tables_page().split("\n## ")[1:]
    assert [s.splitlines()[0] for s in sections] == list(TABLES)
    for section, table in zip(sections, TABLES.values(), strict=True):
        rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert rows == table.column_names


class Inner(Settings):
    low: int | None = None
    """Low."""


class Outer(Settings):
    size: int = Field(ge=1)
    """Size
    in bytes."""
    bounds: Inner = Inner(low=3)
    """Bounds."""
    weights: dict[str, float] = {"view": 1.0}  # noqa: RUF012
    """Weights."""
    rules: list[Inner] = []  # noqa: RUF012
    """Rules."""


def test_settings_are_listed_with_type_default_and_meaning(generate: ModuleType) -> None:
    assert list(generate._settings(Outer, "")) == [
        ("`size`", "integer, ≥ 1", "required", "Size in bytes."),
        ("`bounds.low`", "integer or null", "`3`", "Low."),
        ("`weights`", "number by text", '`{"view": 1.0}`', "Weights."),
        ("`rules`", "list of mapping", "`[]`", "Rules."),
        ("`rules.*.low`", "integer or null", "`null`", "Low."),
    ]


def test_the_job_table_stands_between_its_markers(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "job_table", lambda: "TABLE")
    text = "a\n<!-- jobs:begin -->\nold\n<!-- jobs:end -->\nb\n"
    made = "a\n<!-- jobs:begin -->\nTABLE\n<!-- jobs:end -->\nb\n"
    assert generate.readme(text) == made
    assert generate.readme(made) == made
    with pytest.raises(SystemExit):
        generate.readme("no markers")


def test_a_missing_or_old_page_is_named(
    generate: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    pages = {tmp_path / "old.md": "new", tmp_path / "good.md": "good", tmp_path / "none.md": ""}
    (tmp_path / "old.md").write_text("old", encoding="utf-8")
    (tmp_path / "good.md").write_text("good", encoding="utf-8")
    monkeypatch.setattr(generate, "pages", lambda: pages)
    assert generate.main(["--check"]) == 1
    assert "old.md, none.md; run make docs" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    assert sys.modules.get("generate") is None
