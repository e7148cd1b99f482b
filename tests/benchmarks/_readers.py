"""Readers of raw files, each run by a process of its own: `python _readers.py READER FILE`.

A reader returns a call that reads the file once and what it found: rows and bytes of the columns.
The process reads once to be warm, then `REPETITIONS` times, and prints seconds as JSON.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
from _measuring import REPETITIONS, ROOT
from _raw_files import EVENT_COLUMNS

sys.path.insert(0, str(ROOT))

Found = tuple[int, int]
"""Rows, and bytes of what the columns of text hold."""
Read = Callable[[], Any]
Check = Callable[[Any], Found]
_COLUMNS = {"events": EVENT_COLUMNS, "documents": ("url", "text"), "texts": ("id", "text")}
_COMPARED = {"events": ("user", "item"), "lines": ("text",), "crawl": ("url", "text")}


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns that are read of a file."""
    stem = path.name.partition(".")[0]
    return _COLUMNS.get(stem, _COMPARED.get(stem, ()))


def compared(path: Path) -> tuple[str, ...]:
    """Return the columns whose bytes are compared."""
    return _COMPARED.get(path.name.partition(".")[0], columns_of(path))


def ours(path: Path) -> tuple[Read, Check]:
    """Read as a task of vectormill does, but for times, which other readers leave as text too."""
    from pipelines.sources.config import SourceSettings
    from pipelines.sources.files import told_by_name
    from pipelines.sources.records import read_split
    from pipelines.sources.request import Field, Request
    from pipelines.sources.split import Split

    kinds: dict[str, Any] = {"user": "key", "item": "key", "value": "number", "time": "time"}
    fields = tuple(
        Field(name, name, kinds.get(name, "text"), is_standard=False) for name in columns_of(path)
    )
    request = Request(fields, SourceSettings(documents_per="line"))
    split, kind = Split(str(path), path.name, path.stat().st_size), told_by_name(path.name)
    return lambda: list(read_split(split, str(kind), request)), lambda b: _arrow(b, path)


def pyarrow(path: Path) -> tuple[Read, Check]:
    """Read by pyarrow without threads, all columns of text as strings."""
    from pyarrow import csv
    from pyarrow import json as pj
    from pyarrow import parquet as pq

    kind, wanted = path.suffix, list(columns_of(path))
    texts = dict.fromkeys(wanted, pa.string())
    if kind == ".parquet":
        return lambda: pq.read_table(path, columns=wanted, use_threads=False), _checked(path)
    if kind == ".jsonl":
        # a number is not read as a string
        schema = pa.schema({n: pa.float64() if n == "value" else pa.string() for n in wanted})
        parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        options = pj.ReadOptions(use_threads=False, block_size=4 << 20)
        return lambda: pj.read_json(path, options, parse), _checked(path)
    if kind == ".csv":
        convert = csv.ConvertOptions(column_types=texts, include_columns=wanted)
        parse = csv.ParseOptions(newlines_in_values=path.name == "texts.csv")
        return lambda: csv.read_csv(
            path, csv.ReadOptions(use_threads=False), parse, convert
        ), _checked(path)
    lines = csv.ReadOptions(use_threads=False, column_names=["text"])
    parse = csv.ParseOptions(delimiter="\x01", quote_char=False)
    convert = csv.ConvertOptions(column_types=texts)
    return lambda: csv.read_csv(path, lines, parse, convert), _checked(path)


def polars(path: Path) -> tuple[Read, Check]:
    """Read by polars, all columns of CSV and of lines as strings; to Arrow as Spark takes it."""
    import polars as pl

    kind, wanted = path.suffix, list(columns_of(path))
    if kind == ".parquet":
        read = lambda: pl.scan_parquet(path).select(wanted).collect()  # noqa: E731
    elif kind == ".jsonl":
        schema = {n: pl.Float64 if n == "value" else pl.String for n in wanted}
        read = lambda: pl.scan_ndjson(path, schema=schema).collect()  # noqa: E731
    elif kind == ".csv":
        read = lambda: pl.scan_csv(path, infer_schema=False).select(wanted).collect()  # noqa: E731
    else:
        read = lambda: pl.scan_lines(path, name="text").collect()  # noqa: E731
    oldest = pl.CompatLevel.oldest()  # Spark takes no views of strings
    return lambda: read().to_arrow(compat_level=oldest), _checked(path)


def fastwarc(path: Path) -> tuple[Read, Check]:
    """Read the documents of a WET file by fastwarc, to an Arrow batch."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    def read() -> list[pa.RecordBatch]:
        with path.open("rb") as stream:
            found = ArchiveIterator(
                stream, record_types=WarcRecordType.conversion, parse_http=False
            )
            return _documents((r.headers["WARC-Target-URI"], r.reader.read()) for r in found)

    return read, lambda batches: _arrow(batches, path)


def warcio(path: Path) -> tuple[Read, Check]:
    """Read the documents of a WET file by warcio, to an Arrow batch."""
    from warcio.archiveiterator import ArchiveIterator

    def read() -> list[pa.RecordBatch]:
        with path.open("rb") as stream:
            return _documents(
                (r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read())
                for r in ArchiveIterator(stream)
                if r.rec_type == "conversion"
            )

    return read, lambda batches: _arrow(batches, path)


def spark(path: Path) -> tuple[Read, Check]:
    """Read by Spark's own reader on one core, to a sink that drops the rows."""
    from _spark_sink import reader, rows_of, session, sink

    running = session("local[1]")
    frame = reader(running, path, columns_of(path))
    return lambda: sink(frame), lambda _: rows_of(frame, compared(path))


def _documents(found: Iterable[tuple[str, bytes]]) -> list[pa.RecordBatch]:
    urls, texts = zip(*((url, data.decode("utf-8")) for url, data in found), strict=True)
    return [pa.record_batch([pa.array(urls), pa.array(texts)], names=["url", "text"])]


def _checked(path: Path) -> Check:
    return lambda table: _arrow(table.to_batches(), path)


def _arrow(batches: list[pa.RecordBatch], path: Path) -> Found:
    sizes = (pc.sum(pc.binary_length(b[n])).as_py() or 0 for b in batches for n in compared(path))
    return sum(map(len, batches)), sum(sizes)


def _cpu() -> float:
    """Return seconds of processors of this process and of those it started, as the JVM."""
    started = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(one.cpu_times()[:2]) for one in started)


def main() -> None:
    """Read by the reader that is named, and print what that took."""
    name, path = sys.argv[1], Path(sys.argv[2])
    read, check = globals()[name](path)
    rows, size = check(read())
    walls, cpus = [], []
    for _ in range(REPETITIONS):
        cpu, wall = _cpu(), time.perf_counter()
        read()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu() - cpu)
    found = {"wall": statistics.median(walls), "cpu": statistics.median(cpus)}
    print(json.dumps(found | {"rows": rows, "bytes": size}))


if __name__ == "__main__":
    main()
