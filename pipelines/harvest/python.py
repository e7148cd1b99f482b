"""Docstrings, pydoc topics and calls, read from source files without importing them."""

import ast
import gc
import json
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from pydoc_data.topics import topics

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

_FILES_PER_TASK = 100  # source files per task
_OUTPUT_FILES = 4  # files per kind of record
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HarvestedRow = tuple[str, str, int, str]  # kind, source, position, record
_ROW = pa.schema(
    [
        ("kind", pa.string()),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("record", pa.string()),
    ]
)


def source_files(
    packages: list[str], excluded_folders: list[str], *, max_files: int | None
) -> list[tuple[str, str, int]]:
    """List the standard library's and the packages' source files as (path, module path, bytes)."""
    library = Path(sysconfig.get_path("stdlib"))
    installed = Path(sysconfig.get_path("purelib"))
    modules = [
        (path, path.relative_to(library))
        for path in library.rglob("*.py")
        if not {"site-packages", "dist-packages"} & set(path.parts[len(library.parts) :])
    ]
    for package in packages:
        modules += [(p, p.relative_to(installed)) for p in (installed / package).rglob("*.py")]
    kept = sorted(
        (name.as_posix(), path)
        for path, name in modules
        if not set(excluded_folders) & set(name.parts[:-1])
    )
    return [(str(path), name, path.stat().st_size) for name, path in kept[:max_files]]


def harvest(spark: SparkSession, files: list[tuple[str, str, int]]) -> DataFrame:
    """Parse source files in parallel.

    Returns:
        One row per docstring, pydoc topic and call: `kind` (document, call), `source`,
        `position` and `record`, the JSON line to write.
    """
    slices = max(2, len(files) // _FILES_PER_TASK)
    dealt = [pair for start in range(slices) for pair in files[start::slices]]
    distributed = spark.sparkContext.parallelize([(p, n) for p, n, _ in dealt], slices)
    listed = spark.createDataFrame(distributed, "path string, name string", verifySchema=False)
    parsed = listed.mapInArrow(_parse_batches, from_arrow_schema(_ROW))
    return parsed.unionByName(spark.createDataFrame(list(topic_rows()), parsed.schema))


def _parse_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        files = zip(batch["path"].to_pylist(), batch["name"].to_pylist(), strict=True)
        rows = list(parse_files(files))
        columns = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(_ROW.types)]
        yield pa.RecordBatch.from_arrays(columns, schema=_ROW)


def parse_files(files: Iterable[tuple[str, str]]) -> Iterator[HarvestedRow]:
    """Yield the documents and calls of each file; a file that does not parse yields none.

    Trees hold no cycles, and the search for cycles in them would take a sixth of the time.
    """
    gc.disable()
    try:
        yield from _parsed(files)
    finally:
        gc.enable()


def _parsed(files: Iterable[tuple[str, str]]) -> Iterator[HarvestedRow]:
    for path, name in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in their string literals
                tree = ast.parse(Path(path).read_bytes())
        except (SyntaxError, ValueError):
            continue  # the standard library ships files with intended syntax errors
        yield from module_rows(tree, name)


def module_rows(tree: ast.Module, name: str) -> Iterator[HarvestedRow]:
    """Yield each docstring and each call of a module.

    The id of a document is file, line and name of the documented object. A call has its file, the
    called name, and its line as `position`, which the demo takes as the time.
    """
    for node in _nodes(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            if called:
                record = {"file": name, "name": called, "position": node.lineno}
                yield "call", name, node.lineno * 1000 + node.col_offset, json.dumps(record)
        elif isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            line = getattr(node, "lineno", 0)
            record = {"id": f"{name}:{line}:{getattr(node, 'name', '')}", "text": text}
            yield "document", name, line, json.dumps(record)


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """Return what `ast.walk` yields, for less."""
    found = [tree]
    for node in found:  # grows meanwhile
        for value in vars(node).values():
            if isinstance(value, list):
                found += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def topic_rows() -> Iterator[HarvestedRow]:
    """Yield the language reference's topics, as `help()` shows them."""
    for topic, text in sorted(topics.items()):
        record = json.dumps({"id": f"topic:{topic}", "text": text})
        yield "document", f"topic:{topic}", 0, record


def records_of(harvested: DataFrame, kind: str) -> DataFrame:
    """Return the JSON lines of one kind in a fixed order, as the text column Spark writes."""
    chosen = harvested.where(F.col("kind") == kind)
    ordered = chosen.repartition(_OUTPUT_FILES, "source").sortWithinPartitions(
        "source", "position", "record"
    )
    return ordered.select(F.col("record").alias("value"))


def installation() -> str:
    """Return the version of the Python that is harvested."""
    return f"Python {sys.version.split()[0]}"
