"""Files of JSON objects, one per line."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.json_objects.values import Lines
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines
from pipelines.sources.streams.encodings import UNICODE, utf8_stream
from pipelines.sources.streams.opening import BREAKS

ENDINGS = (".jsonl", ".ndjson", ".json")

_HEAD_BYTES = 1 << 20
_HEAD_LINES = 1000
_PROBLEM = -2  # its column; one that is asked for may have the same name


def split(split: Split, request: Request) -> list[Split]:
    """Cut a plain file by bytes; a line belongs to the split in which it begins."""
    return lines.cut(split, _unicode(request))


def columns(split: Split, request: Request) -> list[str]:
    """Return the names in the file's first objects; those in nested ones by their path."""
    found: dict[str, None] = {}
    for line in _head(split, request).split("\n")[:_HEAD_LINES]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.update(dict.fromkeys(_paths(record)))
    return list(found)


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Read the objects; a line that is none is refused.

    Raises:
        InputError: The whole file is one array, or its objects go over several lines.
    """
    limit = lines.longest(request.settings)
    is_first = split.start == 0
    for block in lines.blocks(split, _unicode(request)):
        batch = Lines(block, request.paths, limit).batch()
        if batch.num_rows:
            if is_first and batch.column(_PROBLEM)[0].as_py() in ("valid_json", "max_record_bytes"):
                _refuse_other_json(split, request)
            is_first = False
            yield batch


def _unicode(request: Request) -> SourceSettings:
    """Return the settings without guesses of legacy encodings: JSON is UTF-8 (RFC 8259)."""
    named = request.settings.encoding or UNICODE
    return request.settings.model_copy(update={"encoding": named})


def _paths(record: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _head(split: Split, request: Request) -> str:
    parts = bytearray()
    with utf8_stream(split, _unicode(request)) as stream:
        try:
            while len(parts) < _HEAD_BYTES and (part := stream.read1(_HEAD_BYTES)):  # type: ignore[attr-defined]
                parts += part
        except BREAKS:
            if not parts:
                raise
    return parts[:_HEAD_BYTES].decode("utf-8", "replace").lstrip(" \t\r\n")


def _refuse_other_json(split: Split, request: Request) -> None:
    """Raise an error where the first line is refused because values go over several lines."""
    text = _head(split, request)
    if text[:1] not in ("[", "{"):
        return
    first, _, others = text.partition("\n")
    is_array = text[0] == "["
    if _end_of_value(first) is not None:
        is_other = is_array and not others.strip()
    else:
        is_other = _goes_on(text) if others else is_array and len(text) >= _HEAD_BYTES // 4
    if is_other:
        kind = "a JSON array" if is_array else "JSON with objects over several lines"
        raise InputError(f"{split.uri}: is {kind}; write one object per line")


def _goes_on(text: str) -> bool:
    """Tell whether a value that the first line begins goes on to the third, or ends in time."""
    third = [match.end() for match in re.finditer(r"\n\s*", text)][1:2] or [len(text)]
    try:
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        return error.pos >= third[0]
    except (ValueError, RecursionError):
        return False
    return True


def _end_of_value(text: str) -> int | None:
    try:
        return json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return None
