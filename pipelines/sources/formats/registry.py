"""Formats by name and by the endings of files: the built-in ones, and those of other packages."""

import difflib
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pipelines.errors import ConfigError

GROUP = "vectormill.formats"
"""The entry point group of formats; where the code runs from a zip there are none."""

_BUILT_IN: dict[str, tuple[str, tuple[str, ...]]] = {
    "text": ("text", (".txt", ".text", ".md", ".rst")),
    "jsonl": ("json_lines", (".jsonl", ".ndjson", ".json")),
    "csv": ("csv", (".csv", ".tsv")),
    "parquet": ("parquet", (".parquet", ".parq", ".pq")),
    "warc": ("warc", (".warc", ".wet")),
    "mediawiki": ("mediawiki", (".xml",)),
    "access_log": ("access_log", (".log",)),
    "html": ("html_pages", (".html", ".htm")),
}
"""Name of a format: its module, and the endings, so that no module is imported to tell a format."""


def format_named(name: str) -> Any:
    """Return the module of a format.

    Raises:
        ConfigError: There is no such format, or what an entry point names cannot be imported or
            lacks a part of a format.
    """
    if name in _BUILT_IN:
        return import_module(f"{__package__}.{_BUILT_IN[name][0]}")
    found = _others().get(name)
    if found is None:
        near = difflib.get_close_matches(name, known_names(), n=3) or known_names()
        raise ConfigError(f"file_format: {name} is not known; did you mean {', '.join(near)}?")
    return _loaded(found)


def format_of(name: str) -> str | None:
    """Return the format that a file's name tells, by its longest known ending.

    Args:
        name: Name or path without the ending of its compression; letters count small.
    """
    endings = {end.lower(): kind for kind, ends in known_formats().items() for end in ends}
    lower = name.lower()
    fitting = [end for end in endings if lower.endswith(end)]
    return endings[max(fitting, key=len)] if fitting else None


def known_names() -> list[str]:
    """Return the names of all formats, the built-in ones first."""
    return list(dict.fromkeys([*_BUILT_IN, *_others()]))


def known_formats() -> dict[str, tuple[str, ...]]:
    """Return the names of all formats with the endings of their files."""
    others = {name: tuple(_loaded(entry).ENDINGS) for name, entry in _others().items()}
    return others | {name: endings for name, (_, endings) in _BUILT_IN.items()}


@cache
def _others() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _loaded(entry: EntryPoint) -> Any:
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"file_format: {entry.name} cannot be imported: {error}") from error
    missing = [n for n in ("ENDINGS", "split", "columns", "read") if not hasattr(found, n)]
    if missing:
        raise ConfigError(f"file_format: {entry.name} has no {', '.join(missing)}")
    return found
