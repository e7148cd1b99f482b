"""Raw files that are made for the benchmark of reading them, each of about so many megabytes."""

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

FILES = {
    "JSON lines, events": "events.jsonl",
    "JSON lines, documents": "documents.jsonl",
    "CSV, events": "events.csv",
    "CSV, texts": "texts.csv",
    "Parquet, events": "events.parquet",
    "text, lines": "lines.txt",
    "WET": "crawl.wet",
    "WET, gzip": "crawl.wet.gz",
}
"""Name of each case and of its file."""

EVENT_COLUMNS = ("user", "item", "time", "event_type", "value")
_SYLLABLES = (
    "ka",
    "ro",
    "mi",
    "te",
    "lun",
    "sa",
    "vor",
    "di",
    "ne",
    "pal",
    "tu",
    "gre",
    "os",
    "win",
)
_STARTS = 1_700_000_000
_CHUNK = 50_000
_HEADER = (
    "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://example.org/{0}\r\n"
    "WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:{0:032x}>\r\n"
    "WARC-Identified-Content-Language: eng\r\nContent-Type: text/plain\r\n"
    "Content-Length: {1}\r\n\r\n"
)


def make(folder: Path, megabytes: float) -> None:
    """Write all files."""
    size = int(megabytes * 1e6)
    _write(folder / "events.jsonl", size, (_json(row) for row in events()))
    write_documents(folder / "documents.jsonl", megabytes)
    _tables(folder, size)
    _write(folder / "texts.csv", size, _text_rows())
    _write(folder / "lines.txt", size, (text.replace("\n", " ") + "\n" for text in _texts(20)))
    _web(folder, size)


def write_documents(path: Path, megabytes: float) -> None:
    """Write documents as JSON lines."""
    _write(path, int(megabytes * 1e6), (_json(row) for row in documents()))


def events() -> Iterator[dict[str, object]]:
    """Yield events without end."""
    draw = random.Random(1)  # noqa: S311
    for number in range(1 << 40):
        yield {
            "user": f"u{draw.randrange(200_000)}",
            "item": f"item-{int(draw.paretovariate(0.8)) % 50_000}",
            "time": f"{2024 + number % 2}-0{1 + number % 9}-{10 + number % 18}T12:"
            f"{10 + number % 50}:{10 + number % 49}Z",
            "event_type": ("view", "buy", "cart")[number % 3],
            "value": round(draw.random() * 100, 2),
        }


def documents() -> Iterator[dict[str, object]]:
    """Yield documents without end; their texts have line ends, quotes and some other letters."""
    for number, text in enumerate(_texts(300)):
        yield {"url": f"http://example.org/{number}", "language": "en", "text": text}


def _texts(words: int) -> Iterator[str]:
    draw = random.Random(2)  # noqa: S311
    known = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(20_000)]
    known += ["caf\u00e9", '"so"', "end.\nThen", "na\u00efve"] * 300
    while True:
        yield " ".join(draw.choices(known, k=draw.randint(words // 2, words * 3 // 2)))


def _json(row: dict[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _text_rows() -> Iterator[str]:
    yield "id,stars,text\n"
    for number, text in enumerate(_texts(60)):
        quoted = text.replace('"', '""')
        yield f'r{number},{number % 5},"{quoted}"\n'


def _write(path: Path, size: int, lines: Iterator[str]) -> None:
    written = 0
    with path.open("wb") as out:
        for line in lines:
            written += out.write(line.encode())
            if written >= size:
                return


def _tables(folder: Path, size: int) -> None:
    """Write the same events as CSV and as Parquet, as long as the CSV is below the size."""
    rows, csv, parquet = events(), None, None
    while csv is None or (folder / "events.csv").stat().st_size < size:
        table = pa.Table.from_pylist([next(rows) for _ in range(_CHUNK)])
        if csv is None or parquet is None:
            csv = pc.CSVWriter(folder / "events.csv", table.schema)
            parquet = pq.ParquetWriter(folder / "events.parquet", table.schema)
        csv.write_table(table)
        parquet.write_table(table)
    for writer in (csv, parquet):
        if writer is not None:
            writer.close()


def _web(folder: Path, size: int) -> None:
    """Write a file of WET records, and the same with each record as a member of gzip."""
    written = 0
    with (folder / "crawl.wet").open("wb") as plain, (folder / "crawl.wet.gz").open("wb") as packed:
        for number, text in enumerate(_texts(800)):
            data = text.encode()
            record = _HEADER.format(number, len(data)).encode() + data + b"\r\n\r\n"
            written += plain.write(record)
            packed.write(gzip.compress(record, 6))
            if written >= size:
                return
