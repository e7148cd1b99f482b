"""What packages export: every name resolves, none is imported before it is asked for."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines
from pipelines.corpus import CleaningSettings, TokenizeSettings, clean_documents, tokenize
from pipelines.interactions import (
    EventColumns,
    EventSettings,
    InteractionSettings,
    build_interactions,
    clean_events,
)
from schemas import TABLES

PACKAGES = [
    f"pipelines.{package.name}"
    for package in pkgutil.iter_modules(pipelines.__path__)
    if package.ispkg and hasattr(importlib.import_module(f"pipelines.{package.name}"), "__all__")
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there_and_no_other_is(name: str) -> None:
    package = importlib.import_module(name)
    assert all(getattr(package, public) is not None for public in package.__all__)
    with pytest.raises(AttributeError, match=f"'{name}' has no attribute 'no_such_name'"):
        _ = package.no_such_name


def test_importing_a_package_imports_none_of_its_modules() -> None:
    code = (
        "import importlib, json, sys\n"
        f"packages = {PACKAGES!r}\n"
        "for name in packages: importlib.import_module(name)\n"
        "prefixes = tuple(f'{name}.' for name in packages)\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(prefixes)]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def test_settings_load_without_compilers_and_data_libraries() -> None:
    root = Path(pipelines.__path__[0])
    modules = [
        ".".join(("pipelines", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("config.py")
    ]
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "heavy = {'numba', 'pyarrow', 'pandas', 'polars', 'scipy', 'ftfy', 'great_expectations'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def collected(frame: DataFrame) -> DataFrame:
    """Return the same rows without the queries that made them, which each use would run again."""
    return frame.sparkSession.createDataFrame(frame.collect(), frame.schema)


def test_documents_of_a_frame_become_sentences(spark: SparkSession) -> None:
    rows = [("a", "The cat sat on the mat."), ("b", "the  cat sat on the mat."), ("c", "Short.")]
    frame = spark.createDataFrame(rows, "url string, body string")
    settings = CleaningSettings(text_column="body", id_column="url")
    cleaned = {name: collected(f) for name, f in clean_documents(frame, settings).items()}
    keys = {name: [row["doc_id"] for row in part.collect()] for name, part in cleaned.items()}
    assert keys == {"documents": ["a"], "duplicate_documents": ["b"], "rejected_documents": ["c"]}
    encoded = tokenize(cleaned["documents"], TokenizeSettings(min_count=2))
    assert [row["token"] for row in encoded["vocabulary"].collect()] == ["the"]
    assert [row["token_ids"] for row in encoded["sentences"].collect()] == [[0, 0]]


def test_events_of_a_frame_become_interactions(spark: SparkSession) -> None:
    rows = [("ann", "tea", 0), ("ann", "milk", 60), ("bob", "tea", 9000), ("bob", None, 9001)]
    frame = spark.createDataFrame(rows, "customer string, item string, time long")
    events = clean_events(frame, EventSettings(columns=EventColumns(user="customer")))
    events = {name: collected(part) for name, part in events.items()}
    assert {name: part.count() for name, part in events.items()} == {
        "events": 3,
        "rejected_events": 1,
    }
    whole = InteractionSettings(valid_share=0, test_share=0)
    lazy = build_interactions(events["events"], whole)
    built = {name: collected(part) for name, part in lazy.items()}
    assert {name: part.count() for name, part in built.items()} == {
        "interactions": 3,
        "user_ids": 2,
        "item_ids": 2,
        "sessions": 1,
    }
    for name, part in lazy.items():
        assert list(TABLES[name].differences(part.schema)) == []
    again = build_interactions(
        events["events"].where("user = 'bob'"),
        whole,
        user_ids=built["user_ids"],
        item_ids=built["item_ids"],
    )
    ids = {row["key"]: (row["id"], row["is_retired"]) for row in again["user_ids"].collect()}
    assert ids == {"ann": (0, True), "bob": (1, False)}
