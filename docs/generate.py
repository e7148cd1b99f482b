"""Write the reference pages and the README's job table from contracts, models and docstrings."""

import importlib
import json
import sys
import types
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from jobs.cli.jobs_list import job_names, purpose, tables
from pipelines.settings import Outputs, Settings
from schemas import TABLES, Column, Table

ROOT = Path(__file__).resolve().parent.parent
_BEGIN, _END = "<!-- jobs:begin -->", "<!-- jobs:end -->"
_NOTE = "<!-- Written by `make docs`; do not edit. -->"
_PLAIN = {
    "str": "text", "int": "integer", "float": "number", "bool": "true or false",
    "NoneType": "null", "Any": "any", "Path": "path", "datetime": "date and time",
}  # fmt: skip
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def tables_page() -> str:
    """Return the page of every contract: grain, key, partitioning, columns and checks."""
    return "\n".join([_NOTE, "# Tables", "", _TABLES_INTRO, *map(_table, TABLES.values())])


_TABLES_INTRO = """\
One contract each, declared in `schemas/`; a frame that differs is not written. A column may be null
only where its type says so. Types are Spark SQL's; `[unit]` says what a number counts.
"""


def _table(table: Table) -> str:
    lines = [f"## {table.name}", "", f"{table.grain[0].upper()}{table.grain[1:]}.", ""]
    lines.append(f"Key: {_codes(table.key)}. Partitioned by: {_codes(table.partitioning)}.")
    rows = [_column(column) for column in table.columns]
    return "\n".join([*lines, "", _grid(("column", "type", "description", "checks"), rows), ""])


def _column(column: Column) -> tuple[str, ...]:
    told = column.type.simpleString() + (", null" if column.nullable else "")
    description = column.description + (f" [{column.unit}]" if column.unit else "")
    checks = "; ".join(f"`{check}`" for check in column.checks)
    return f"`{column.name}`", f"`{told}`", description, checks


def configuration_page() -> str:
    """Return the page of every job's settings with type, default and meaning."""
    sections = [_job_settings(job) for job in job_names()]
    return "\n".join([_NOTE, "# Configuration", "", _CONFIGURATION_INTRO, *sections])


_CONFIGURATION_INTRO = """\
A job takes its defaults from `conf/base/<job>.yaml`, then the sections `all` and `<job>` of the
overlay that `--env` names, then every `--set key.subkey=value`. Unknown keys, quoted numbers and
NaN are refused (exit code 2). An output that is not named lies beside the one that is.
"""


def _job_settings(job: str) -> str:
    model: type[Settings] = importlib.import_module(f"jobs.{job}").CONFIG
    grid = _grid(("key", "type", "default", "meaning"), list(_settings(model, "")))
    return f"## {job}\n\n{purpose(job)}\n\n{grid}\n"


def _settings(
    model: type[Settings], prefix: str, given: Settings | None = None
) -> Iterator[tuple[str, ...]]:
    fields = model.model_fields.items()  # tables first, as in the configuration files
    for name, field in sorted(fields, key=lambda named: named[0] not in ("inputs", "outputs")):
        nested = _nested(field.annotation)
        key = f"{prefix}{name}"
        value = (
            getattr(given, name)
            if given is not None
            else field.get_default(call_default_factory=True)
        )
        if nested is not None and get_origin(field.annotation) not in (list, dict):
            yield from _settings(nested, f"{key}.", value if isinstance(value, nested) else None)
            continue
        default = _default(field.is_required() and given is None, value)
        if issubclass(model, Outputs):
            default = "beside the others"
        yield f"`{key}`", _type(field), default, " ".join((field.description or "").split())
        if nested is not None:
            yield from _settings(nested, f"{key}{'.*' * _depth(field.annotation)}.")


def _nested(annotation: Any) -> type[Settings] | None:
    """Return the settings model that an annotation holds, directly or in a list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    return next((n for n in map(_nested, get_args(annotation)) if n is not None), None)


def _depth(annotation: Any) -> int:
    """Return how many lists and mappings lie in each other."""
    deepest = max(map(_depth, get_args(annotation)), default=0)
    return deepest + (get_origin(annotation) in (list, dict))


def _type(field: FieldInfo) -> str:
    return ", ".join([_annotation(field.annotation), *_bounds(field.metadata)])


def _bounds(metadata: Sequence[Any]) -> Iterator[str]:
    """Yield the bounds among what an annotation carries."""
    for bound in metadata:
        held = bound.metadata if isinstance(bound, FieldInfo) else [bound]
        for each, (name, sign) in product(held, _SIGNS.items()):
            if getattr(each, name, None) is not None:
                yield f"{sign} {getattr(each, name):,}"


def _annotation(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return ", ".join([_annotation(arguments[0]), *_bounds(arguments[1:])])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_annotation(argument) for argument in arguments)
    if origin in (list, tuple, set):
        return f"list of {_annotation(arguments[0])}"
    if origin is dict:
        return f"{_annotation(arguments[1])} by {_annotation(arguments[0])}"
    name = getattr(annotation, "__name__", str(annotation))
    return _PLAIN.get(name, "mapping" if _nested(annotation) else name)


def _default(is_required: bool, value: Any) -> str:
    if is_required:
        return "required"
    return f"`{json.dumps(value, ensure_ascii=False, default=_plain)}`"


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, Settings) else str(value)


def job_table() -> str:
    """Return the README's table of jobs: purpose, tables read and written."""
    rows = [(f"`{job}`", purpose(job), *map(_codes, tables(job).values())) for job in job_names()]
    return _grid(("job", "what it does", "reads", "writes"), rows)


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _grid(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", r"\|") for c in row) + " |" for row in cells)


def readme(text: str) -> str:
    """Return the README with the job table between its markers."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        sys.exit(f"error: README.md lacks the markers {_BEGIN} and {_END}")
    return f"{before}{begin}\n{job_table()}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Return what each generated file should hold."""
    there = (ROOT / "README.md").read_text(encoding="utf-8")
    return {
        ROOT / "docs" / "tables.md": tables_page(),
        ROOT / "docs" / "configuration.md": configuration_page(),
        ROOT / "README.md": readme(there),
    }


def stale() -> list[str]:
    """Return the generated files that are missing or not current."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(argv: list[str]) -> int:
    """Write the pages, or with `--check` name those that are not current and return 1."""
    if "--check" in argv:
        old = stale()
        if old:
            sys.stderr.write(f"error: not current: {', '.join(old)}; run make docs\n")
        return 1 if old else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
