"""Strings decoded from Parquet's pages are those that pyarrow reads, or are left to pyarrow."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import parquet
from pipelines.sources.parquet_pages.headers import UnknownPageError
from pipelines.sources.parquet_pages.strings import plain_strings, read_strings
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS

texts = st.sampled_from(["", "a", "naïve", "x" * 31, "y" * 32, "z" * 33, "long " * 300])
writing = st.fixed_dictionaries(
    {
        "use_dictionary": st.booleans(),
        "dictionary_pagesize_limit": st.sampled_from([40, 1 << 20]),  # small: PLAIN pages follow
        "data_page_size": st.sampled_from([64, 1 << 20]),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "compression": st.sampled_from(["NONE", "SNAPPY", "ZSTD", "GZIP"]),
        "row_group_size": st.integers(1, 400),
        "write_statistics": st.booleans(),
    }
)


def own(path: Path, name: str) -> list[str | None]:
    """Read a column by our decoder alone."""
    with pa.OSFile(str(path)) as stream:
        file = pq.ParquetFile(stream)
        groups = range(file.num_row_groups)
        assert plain_strings(file, [name], groups) == [name]
        arrays = [read_strings(file, stream, name, number) for number in groups]
    for array in arrays:
        array.validate(full=True)
    return [value for array in arrays for value in array.to_pylist()]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.none() | texts, min_size=1, max_size=30),
    repeats=st.integers(1, 40),
    nullable=st.booleans(),
    options=writing,
)
def test_strings_are_pyarrows(
    tmp_path: Path, values: list[Any], repeats: int, nullable: bool, options: dict[str, Any]
) -> None:
    if not nullable:
        values = [value or "" for value in values]
    schema = pa.schema([pa.field("text", pa.string(), nullable)])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([values * repeats], schema=schema), path, **options)
    assert own(path, "text") == values * repeats


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_damage_ends_as_with_pyarrow(tmp_path: Path, version: str, use_dictionary: bool) -> None:
    path, draw = tmp_path / "a.parquet", random.Random(1)  # noqa: S311
    words = [draw.choice(["one", "two", None, "three " * 9]) for _ in range(500)]
    pq.write_table(
        pa.table({"text": pa.array(words, pa.string())}),
        path,
        use_dictionary=use_dictionary,
        data_page_version=version,
        data_page_size=100,
        compression="NONE",
    )
    data, sound = path.read_bytes(), [word and word.encode() for word in words]
    pages = pq.read_metadata(path).row_group(0).column(0).total_compressed_size
    request = Request((Field("text", "text"),), SourceSettings())
    for _ in range(300):
        damaged = bytearray(data)
        damaged[4 + draw.randrange(pages)] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        part = Split(str(path), path.name, len(damaged))
        try:
            expected = pq.read_table(path)["text"].cast(pa.binary()).to_pylist()
        except BREAKS:
            expected = None
        try:
            read = pa.Table.from_batches(parquet.read(part, request))
            found = read["text"].cast(pa.binary()).to_pylist()
        except BREAKS:
            found = None
        assert found == expected or (expected is None and found == sound)


def test_nested_and_other_types_are_left(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "list": [["a"]],
            "struct": [{"a": "b"}],
            "binary": pa.array([b"a"]),
            "large": pa.array(["a"], pa.large_string()),
            "dictionary": pa.array(["a"]).dictionary_encode(),
            "text": ["a"],
        }
    )
    pq.write_table(table, path)
    with pa.OSFile(str(path)) as stream:
        file = pq.ParquetFile(stream)
        assert plain_strings(file, table.column_names, [0]) == ["text"]
        delta = tmp_path / "b.parquet"
        pq.write_table(
            table.select(["text"]),
            delta,
            use_dictionary=False,
            column_encoding={"text": "DELTA_BYTE_ARRAY"},
        )
        assert plain_strings(pq.ParquetFile(delta), ["text"], [0]) == []
        path.write_bytes(bytes(path.stat().st_size))
        with pytest.raises(UnknownPageError):
            read_strings(file, stream, "text", 0)
