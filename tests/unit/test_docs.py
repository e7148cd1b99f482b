"""What is generated is current; what is written names files, functions and pages that exist."""

import ast
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import Field

from pipelines.settings import Settings
from schemas import TABLES

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
NAMED = re.compile(r"`([\w/]+\.(?:py|yaml|conf))(?::([\w.]+))?`")
"""A file, and a name in it where there is one: `als/sweep.py:solve`, `als/fit.py:Side.face`."""
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


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


@cache
def _names(path: Path) -> set[str]:
    """Return what a module defines at its top and in its classes: `name`, `Class.name`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        own = _bound(node)
        found |= own
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for each in node.body for name in _bound(each)}
    return found


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {part.id for t in targets for part in ast.walk(t) if isinstance(part, ast.Name)}


def _problems(text: str) -> list[str]:
    """Return the files and names of a page that do not exist."""
    problems = []
    for file, name in NAMED.findall(text):
        path = next((p for p in (ROOT / file, ROOT / "pipelines" / file) if p.is_file()), None)
        if path is None:
            problems.append(file)
        elif name and name not in _names(path):
            problems.append(f"{file}:{name}")
    return problems


def test_every_file_and_name_of_the_architecture_exists() -> None:
    assert len(NAMED.findall(ARCHITECTURE)) > 100
    assert _problems(ARCHITECTURE) == []
    assert _problems(
        "`als/none.py` `als/sweep.py:none` `als/fit.py:Side.none` `als/fit.py:Side`"
    ) == [
        "als/none.py",
        "als/sweep.py:none",
        "als/fit.py:Side.none",
    ]


def test_every_folder_and_module_of_pipelines_has_its_line_on_a_floor() -> None:
    floors = ARCHITECTURE.partition("## Floors")[2].partition("\n## ")[0]
    listed = re.findall(r"^\|[^|]*\| `([\w/]+?(?:\.py|/))` \|", floors, re.MULTILINE)
    entries = (ROOT / "pipelines").iterdir()
    there = [p.name + "/" * p.is_dir() for p in entries if p.is_dir() or p.suffix == ".py"]
    there = [name for name in there if not name.startswith("__")]
    assert sorted(listed) == sorted([*there, "jobs/", "jobs/cli/", "schemas/"])


def test_where_a_file_is_named_in_full_by_a_decision_it_exists() -> None:
    newest = ROOT / "docs" / "decisions"
    problems = {page.name: _problems(page.read_text("utf-8")) for page in newest.glob("*.md")}
    assert {name: found for name, found in problems.items() if found} == {}


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        to = (page.parent / target).resolve() if target else page
        if not to.exists() or (anchor and anchor not in _anchors(to)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_decisions_are_one_page_of_four_parts() -> None:
    parts = ["Context", "Options", "Choice", "Consequences"]
    for number, page in enumerate(sorted((ROOT / "docs" / "decisions").glob("*.md")), start=1):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number:04}: "), page.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts, page.name
        assert len(text.splitlines()) <= 45, page.name
