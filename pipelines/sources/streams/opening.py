"""Opening raw files: what a file is compressed with is told by its content, not by its name."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines.errors import InputError
from pipelines.sources.split import Split
from pipelines.storage.task_files.arrow import resolve

BREAKS = (OSError, EOFError, pa.ArrowInvalid)
"""What reading raises where a file breaks off or is damaged; bytes before it were delivered."""

_READ_BYTES = 64 << 10  # small, for what is read ahead is lost where a file breaks off
_ARROW_BYTES = 4 << 10  # what pyarrow's decompression loses before a break
_STARTS = (
    (rb"\x1f\x8b\x08", "gzip"),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bz2"),
    (rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", "zstd"),
    (rb"\xfd7zXZ\x00", "xz"),
    (rb"PK(\x03\x04|\x05\x06)", "zip"),
    (rb"\x04\x22\x4d\x18", "lz4"),
)


def compression_of(head: bytes) -> str | None:
    """Return the compression that a file's first bytes show: gzip, bz2, zstd, xz, zip or lz4."""
    return next((name for start, name in _STARTS if re.match(start, head)), None)


def open_bytes(split: Split) -> BinaryIO:
    """Open a split's file for reading its bytes, decompressed.

    A plain file is read from `split.start` on, and not only to `split.end`; a compressed one from
    its beginning, through all of its members or streams.

    Raises:
        InputError: A zip holds no file, or several, or one that needs a password.
        OSError: The file cannot be opened; reading raises one of `BREAKS` where it breaks off.
    """
    filesystem, path = resolve(split.uri)
    with ExitStack() as stack:
        file = stack.enter_context(filesystem.open_input_file(path))
        compression = compression_of(file.read(16))
        file.seek(0 if compression else split.start)
        if compression is None:
            stack.pop_all()
            return io.BufferedReader(file, _READ_BYTES)
        source = stack.enter_context(_decompressing(file, compression, split.uri))
        size = _ARROW_BYTES if compression in ("zstd", "lz4") else _READ_BYTES
        return buffered(_parts(source, size), stack.pop_all())


def head_of(split: Split, size: int) -> bytes:
    """Return the first bytes of a file, decompressed; fewer where it breaks off within them."""
    whole = Split(split.uri, split.relative, split.size)
    parts = bytearray()
    with open_bytes(whole) as stream:
        try:
            while len(parts) < size and (part := stream.read1(size - len(parts))):  # type: ignore[attr-defined]
                parts += part
        except BREAKS:
            if not parts:
                raise
    return bytes(parts)


def buffered(parts: Iterator[bytes], closing: ExitStack) -> BinaryIO:
    """Return a stream of an iterator's bytes; what is open is closed with it.

    Where the iterator raises an error, all bytes before have been delivered, to readers that use
    `read1`, `readline` or lines.
    """
    return io.BufferedReader(_Parts(parts, closing), _READ_BYTES)


class _Parts(io.RawIOBase):
    """Bytes of an iterator as a raw stream."""

    def __init__(self, parts: Iterator[bytes], closing: ExitStack) -> None:
        self._parts = parts
        self._closing = closing
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._closing.close()
        super().close()


def _decompressing(file: Any, compression: str, uri: str) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if compression == "bz2":
        return bz2.BZ2File(file)
    if compression == "xz":
        return lzma.LZMAFile(file)
    if compression == "zip":
        return _only_member(file, uri)
    return pa.CompressedInputStream(file, compression)


def _only_member(file: Any, uri: str) -> Any:
    try:
        archive = zipfile.ZipFile(file)
        found = [info for info in archive.infolist() if _is_file(info)]
        if len(found) != 1:
            raise InputError(f"{uri}: is a zip of {len(found)} files; unpack it, or zip each alone")
        return archive.open(found[0])
    except (zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise OSError(f"broken zip: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, an unknown compression
        raise InputError(f"{uri}: is a zip that cannot be unpacked: {error}") from error


def _is_file(info: zipfile.ZipInfo) -> bool:
    return not info.is_dir() and not info.filename.startswith("__MACOSX/")


def _parts(source: Any, size: int) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    try:
        while part := read(size):
            yield part
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise OSError(f"broken compression: {error}") from error
