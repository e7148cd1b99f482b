"""Files are opened by what they hold, and read to their end or to where they break off."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.errors import InputError
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS, compression_of, head_of, open_bytes


def _with_arrow(name: str) -> Callable[[bytes], bytes]:
    def compress(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, name) as stream:
            stream.write(data)
        return bytes(sink.getvalue())

    return compress


COMPRESS = {
    "gzip": gzip.compress,
    "bz2": partial(bz2.compress, compresslevel=1),
    "xz": lzma.compress,
    "zstd": _with_arrow("zstd"),
    "lz4": _with_arrow("lz4"),
}
LINES = b"".join(b"%d %d\n" % (n, n * n * 7919 % 1_000_003) for n in range(40_000))


def _split(path: Path, content: bytes, start: int = 0) -> Split:
    path.write_bytes(content)
    return Split(str(path), path.name, len(content), start)


@pytest.mark.parametrize("name", COMPRESS)
def test_what_compresses_a_file_is_told_by_its_content(name: str, tmp_path: Path) -> None:
    packed = COMPRESS[name](LINES)
    assert compression_of(packed) == name
    assert compression_of(packed[:16]) == name
    with open_bytes(_split(tmp_path / "a.csv", packed)) as stream:
        assert stream.read() == LINES


@pytest.mark.parametrize("name", COMPRESS)
def test_all_members_are_read(name: str, tmp_path: Path) -> None:
    packed = b"".join(COMPRESS[name](part) for part in (b"one\n", b"", b"two\n", LINES))
    with open_bytes(_split(tmp_path / "a", packed)) as stream:
        assert stream.read() == b"one\ntwo\n" + LINES


@pytest.mark.parametrize("name", COMPRESS)
def test_what_comes_before_a_break_is_read(name: str, tmp_path: Path) -> None:
    packed = COMPRESS[name](LINES)
    found: list[bytes] = []
    with (
        open_bytes(_split(tmp_path / "a", packed[: len(packed) * 2 // 3])) as stream,
        pytest.raises(BREAKS),
    ):
        found.extend(stream)
    read = b"".join(found)
    assert LINES.startswith(read)
    assert len(read) > len(LINES) // 4


@pytest.mark.parametrize("name", [*COMPRESS, "zip"])
def test_damage_within_a_file_is_an_error_of_one_kind(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", LINES)
    packed = bytearray(path.read_bytes() if name == "zip" else COMPRESS[name](LINES))
    for place in range(len(packed) // 4, len(packed) * 3 // 4):
        packed[place] ^= 0x5A
    with pytest.raises(BREAKS), open_bytes(_split(path, bytes(packed))) as stream:
        stream.read()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"PK is a name", b"BZh9 is a word", b"\x1f\x8b", b"(\xb5", b'{"a": 1}\n'],
)
def test_plain_files_are_plain(content: bytes, tmp_path: Path) -> None:
    assert compression_of(content) is None
    with open_bytes(_split(tmp_path / "a.gz", content)) as stream:
        assert stream.read() == content


def test_a_plain_file_is_read_from_its_split(tmp_path: Path) -> None:
    with open_bytes(_split(tmp_path / "a", LINES, start=1000)) as stream:
        assert stream.read() == LINES[1000:]


@pytest.mark.parametrize("names", [["a"], ["in/a"], ["in/", "in/a", "__MACOSX/in/._a"]])
def test_the_only_file_of_a_zip_is_read(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"" if name.endswith("/") else LINES)
    with open_bytes(_split(path, path.read_bytes())) as stream:
        assert stream.read() == LINES


@pytest.mark.parametrize(("names", "count"), [(["in/"], 0), (["a", "b"], 2)])
def test_a_zip_of_no_or_several_files_is_refused(
    names: list[str], count: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    with pytest.raises(InputError, match=rf"a\.zip: is a zip of {count} files"):
        open_bytes(_split(path, path.read_bytes()))


def test_a_zip_without_its_end_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", LINES)
    with pytest.raises(OSError, match="broken zip"):
        open_bytes(_split(path, path.read_bytes()[:-100]))


def test_the_head_ends_where_a_file_breaks_off(tmp_path: Path) -> None:
    packed = gzip.compress(LINES)
    assert head_of(_split(tmp_path / "a", packed, start=500), 1000) == LINES[:1000]
    broken = head_of(_split(tmp_path / "a", packed[: len(packed) // 2]), len(LINES))
    assert LINES.startswith(broken)
    assert len(broken) > 1000
