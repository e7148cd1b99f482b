"""Formats by name and by ending: built-in ones, and one of another package in ten lines."""

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from oracles.raw_files import asking, rows, whole

from pipelines.errors import ConfigError
from pipelines.sources.formats import registry

OWN = """
import pyarrow as pa
ENDINGS = (".dots",)
def split(split, request):
    return [split]
def columns(split, request):
    return ["word"]
def read(split, request):
    words = open(split.uri).read().split(".")
    yield pa.RecordBatch.from_pydict({"position": range(len(words)), "word": words})
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("own_dots")
    exec(OWN, module.__dict__)  # noqa: S102
    long = ModuleType("long_dots")
    exec(OWN.replace(".dots", ".long.dots"), long.__dict__)  # noqa: S102
    half = ModuleType("half_a_format")
    half.ENDINGS = (".half",)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_dots", module)
    monkeypatch.setitem(sys.modules, "long_dots", long)
    monkeypatch.setitem(sys.modules, "half_a_format", half)
    yield
    registry._others.cache_clear()


def _register(monkeypatch: pytest.MonkeyPatch, **modules: str) -> None:
    entries = [importlib.metadata.EntryPoint(n, m, registry.GROUP) for n, m in modules.items()]
    found = importlib.metadata.EntryPoints(entries)
    monkeypatch.setattr(registry, "entry_points", lambda group: found.select(group=group))
    registry._others.cache_clear()


def test_a_format_of_another_package_is_read_like_the_built_in_ones(
    own: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(monkeypatch, dots="own_dots", html="own_dots")
    path = tmp_path / "a.dots"
    path.write_text("one.two")
    form = registry.format_named("dots")
    assert rows(form, form.split(whole(path), asking()), asking("word")) == [
        {"position": 0, "word": "one"},
        {"position": 1, "word": "two"},
    ]
    assert registry.known_names()[-1] == "dots"
    assert registry.format_named("html").__name__ == "pipelines.sources.formats.html_pages"


NAMES = [
    ("a.warc", "warc"),
    ("a.warc.wet", "warc"),
    ("x/A.WET", "warc"),
    ("enwiki-pages-articles-multistream.xml", "mediawiki"),
    ("access.log", "access_log"),
    ("a.htm", "html"),
    ("a.warc.dots", "dots"),
    ("a.long.dots", "long"),
    ("a.bin", None),
    ("warc", None),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_a_files_ending_tells_its_format(
    name: str, expected: str | None, own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(monkeypatch, dots="own_dots", long="long_dots")
    assert registry.format_of(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrac", "file_format: wrac is not known; did you mean warc"),
        ("acces_log", "did you mean access_log"),
        ("zzzz", "did you mean text, jsonl, .*, html, gone, half"),
        ("gone", "file_format: gone cannot be imported: No module"),
        ("half", "file_format: half has no split, columns, read"),
    ],
)
def test_what_is_no_format_is_named(
    name: str, message: str, own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(monkeypatch, gone="no_such_module", half="half_a_format")
    with pytest.raises(ConfigError, match=message):
        registry.format_named(name)
