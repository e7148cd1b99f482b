"""The house: one job one name, contracts that hold together, defaults shown, nothing misnamed."""

import ast
import importlib
import json
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import grimp
import pytest
from great_expectations import expectations as gxe

from jobs.cli.jobs_list import job_names, purpose, tables
from pipelines.settings import JobConfig, Layers, Outputs, Settings, build, read_yaml
from schemas import TABLES, Table

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("jobs", "pipelines", "schemas", "tests")
NOT_TABLES = {"corpus", "event_log", "report", "export", "manifest", "tokenizer"}
SAME_SHAPE = {
    "similar_entities": "neighbours",
    "published": "vectors",
    "folded_vectors": "vectors",
}


def test_each_job_has_one_module_one_configuration_and_one_integration_test() -> None:
    modules = {path.stem for path in (ROOT / "jobs").glob("*.py")} - {"__init__"}
    configurations = {path.stem for path in (ROOT / "conf" / "base").glob("*.yaml")}
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests/integration").glob("test_*.py")}
    assert set(job_names()) == modules == configurations
    assert modules - tests == set(), "jobs without an integration test of their name"


@pytest.mark.parametrize("job", job_names())
def test_a_job_is_run_main_and_config_with_a_purpose(job: str) -> None:
    module = importlib.import_module(f"jobs.{job}")
    assert issubclass(module.CONFIG, JobConfig)
    assert callable(module.run)
    assert callable(module.main)
    assert re.fullmatch(r"[A-Z].*\.", purpose(job)), "the docstring's first line is the purpose"


@pytest.mark.parametrize("job", job_names())
def test_outputs_are_tables_with_contracts(job: str) -> None:
    outputs = importlib.import_module(f"jobs.{job}").CONFIG.model_fields.get("outputs")
    if outputs is not None:
        assert issubclass(outputs.annotation, Settings)
    unknown = set(tables(job)["outputs"]) - set(TABLES) - NOT_TABLES - set(SAME_SHAPE)
    assert unknown == set(), "outputs that no contract describes"
    assert set(SAME_SHAPE.values()) <= set(TABLES)


@pytest.mark.parametrize("job", job_names())
def test_base_configuration_shows_every_field_at_its_default(job: str) -> None:
    model: type[JobConfig] = importlib.import_module(f"jobs.{job}").CONFIG
    path = ROOT / "conf" / "base" / f"{job}.yaml"
    tree = read_yaml(path)
    assert set(tree) == set(model.model_fields), "the file lists every field once"
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    places = {key: tree[key] for key in ({"inputs", "outputs"} | required) & set(tree)}
    shown = build(model, Layers().add(tree, str(path)))
    by_default = build(model, Layers().add(places, str(path)))
    assert shown == by_default
    assert _missing(model, tree) == []


def _missing(model: type[Settings], tree: dict[str, Any], prefix: str = "") -> list[str]:
    """Keys of nested settings that a file does not show; outputs may follow the one that is."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        nested = field.annotation
        if not (isinstance(nested, type) and issubclass(nested, Settings)):
            continue
        given = tree.get(name)
        if issubclass(nested, Outputs) or not isinstance(given, dict):
            continue
        optional = {n for n, f in nested.model_fields.items() if f.default is None}
        found += [
            f"{prefix}{name}.{n}"
            for n in nested.model_fields
            if n not in given and n not in optional
        ]
        found += _missing(nested, given, f"{prefix}{name}.")
    return found


def _models(model: type[Settings]) -> set[type[Settings]]:
    found = {model}
    for field in model.model_fields.values():
        for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, Settings):
                found |= _models(candidate)
    return found


@pytest.mark.parametrize("job", job_names())
def test_every_setting_is_documented(job: str) -> None:
    for model in _models(importlib.import_module(f"jobs.{job}").CONFIG):
        silent = [name for name, field in model.model_fields.items() if not field.description]
        assert silent == [], f"{model.__name__} has fields without a docstring"


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_contract_holds_together(table: Table) -> None:
    names = table.column_names
    assert len(names) == len(set(names))
    assert table.key
    assert set(table.key) <= set(names)
    assert set(table.partitioning) <= set(names)
    assert table.grain.startswith("one ")
    nullable = {column.name for column in table.columns if column.nullable}
    assert nullable.isdisjoint({*table.key, *table.partitioning})
    for column in table.columns:
        assert column.description[0].isupper()
        assert not column.description.endswith(".")


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_checks_are_expectations_of_great_expectations(table: Table) -> None:
    for column in table.columns:
        for check in column.checks:
            words = f"expect_column_{check.expectation}".split("_")
            kind = getattr(gxe, "".join(word.capitalize() for word in words))
            expectation = kind(column=column.name, **check.arguments)
            assert expectation.column == column.name
            assert json.loads(json.dumps(check.arguments)) == check.arguments


def test_every_contract_is_registered_under_its_own_name() -> None:
    import schemas

    declared = [value for value in vars(schemas).values() if isinstance(value, Table)]
    assert {table.name: table for table in declared} == TABLES
    assert all(name == table.name for name, table in TABLES.items())


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    found = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if p.stem in vague]
    assert found == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions count."""
    graph = grimp.build_graph("jobs", "pipelines", "schemas", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert {"jobs.cli.command", "pipelines.settings", "schemas.table"} <= imports.keys()
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' → '.join(error.args[1])}")


def test_every_package_is_listed_for_the_wheel() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"]) - {"jobs.conf"}
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("jobs", "pipelines", "schemas")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert there == listed


def test_the_three_packages_belong_to_vectormill_alone() -> None:
    owners: dict[str, set[str]] = {"jobs": set(), "pipelines": set(), "schemas": set()}
    for distribution in distributions():
        top = (distribution.read_text("top_level.txt") or "").split()
        files = [file.parts[0] for file in distribution.files or () if len(file.parts) > 1]
        for name in owners.keys() & {*top, *files}:
            owners[name].add(distribution.name)
    assert owners == {name: {"vectormill"} for name in owners}


@pytest.mark.parametrize("folder", ["jobs", "pipelines", "schemas"])
def test_files_and_functions_keep_their_budget(folder: str) -> None:
    long = []
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 250:
            long.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
        functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
        long += [
            f"{path.relative_to(ROOT)}: {function.name}: {_length(function)} lines"
            for function in functions
            if _length(function) > 40
        ]
    assert long == []


def test_folders_have_a_dozen_files_at_most() -> None:
    folders = {path.parent for path in (ROOT / "pipelines").rglob("*.py")}
    counts = {
        str(f.relative_to(ROOT)): len({*f.glob("*.py")} - {f / "__init__.py"}) for f in folders
    }
    assert {folder: count for folder, count in counts.items() if count > 12} == {}


def _length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    length = (function.end_lineno or 0) - function.lineno + 1
    docstring = ast.get_docstring(function, clean=False)
    return length - (docstring.count("\n") + 1 if docstring else 0)


def test_classes_of_the_jvm_are_asked_for_by_their_full_names() -> None:
    """A name with dots is a question to the JVM for each: see `java_class`."""
    dotted = re.compile(r"jvm\.(com|io|java|org|scala)\b")
    sources = [p for folder in ("jobs", "pipelines") for p in (ROOT / folder).rglob("*.py")]
    found = {path.name for path in sources if dotted.search(path.read_text(encoding="utf-8"))}
    assert found == {"java.py"}, "its docstring has the one example"


def test_nothing_names_a_registry_or_a_path_of_one_machine() -> None:
    pattern = re.compile(r"pypi\.org|pythonhosted|index-url|find-links|repo1\.maven|/root/|/work/")
    names = ["Makefile", "constraints.txt", "pyproject.toml", ".pre-commit-config.yaml"]
    paths = [ROOT / name for name in names]
    paths += [path for path in (ROOT / ".ci").iterdir() if path.is_file()]
    for folder in ("conf", "jobs", "pipelines", "schemas", "docs"):
        suffixes = {".py", ".yaml", ".md", ".conf"}
        paths += [path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    found = [str(p) for p in paths if pattern.search(p.read_text(encoding="utf-8"))]
    assert found == []
