"""What kind of file its content shows, where its name does not tell."""

import csv
import io
import re
from collections.abc import Sequence

from pipelines.errors import InputError
from pipelines.sources.formats.access_log import is_entry

_DELIMITERS = ",;\t|"
_LINES = 20  # that must agree on the number of fields
_FEWEST = 2  # lines, and fields of a line
_LONGEST_NAME = 100
_MARKED = (
    ("jsonl", r'\{\s*["}]|\[\s*[\[{"]'),
    ("warc", r"WARC/[0-9.]+\r?\n"),
    ("mediawiki", r"(<\?xml[^>]*>\s*)?<mediawiki\b"),
    ("html", r"(?i)(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html|html)\b"),
)
_OTHERS = (
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF-", "PDF"),
    (b"ARROW1\0\0", "Arrow"),
)
STRONG = {"parquet", "jsonl", "warc", "mediawiki", "html", "access_log"}
"""Formats that a few bytes show beyond doubt."""


def told_by_content(head: bytes, encoding: str, uri: str) -> str:
    """Return the format that a file's first bytes, decompressed, show; `text` if no other.

    Args:
        head: The bytes; the last line may be cut.
        encoding: Their encoding.
        uri: The file, for errors.

    Raises:
        InputError: The content is binary and of no format that can be read.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    other = next((name for start, name in _OTHERS if head.startswith(start)), None)
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    if other or "\0" in text:
        raise InputError(f"{uri}: is {other or 'binary'}, which no format reads; convert it")
    begin = text.lstrip()
    marked = next((kind for kind, start in _MARKED if re.match(start, begin)), None)
    if marked:
        return marked
    if is_entry(begin.partition("\n")[0].rstrip("\r")):
        return "access_log"
    return "csv" if _is_csv(begin) else "text"


def _is_csv(text: str) -> bool:
    """Tell whether lines have as many fields as a first line of names."""
    return any(_is_table(_rows(text, delimiter)) for delimiter in _DELIMITERS)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """Return the first records, without the last one where it may be cut."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                found.append(row)
            if len(found) > _LINES:
                break
    except csv.Error:  # a field that is too long
        pass
    is_cut = _FEWEST < len(found) <= _LINES and not text.endswith("\n")
    return found[:-1] if is_cut else found[:_LINES]


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    if len(rows) < _FEWEST or len(rows[0]) < _FEWEST:
        return False
    same = sum(len(row) == len(rows[0]) for row in rows)
    return same >= 0.8 * len(rows) and _are_names(rows[0])


def _are_names(header: Sequence[str]) -> bool:
    names = [name.strip() for name in header]
    is_short = all(0 < len(name) <= _LONGEST_NAME for name in names)
    is_number = any(re.fullmatch(r"[-+\d.,:/ ]+", name) for name in names)
    return is_short and not is_number and len(set(names)) == len(names)
