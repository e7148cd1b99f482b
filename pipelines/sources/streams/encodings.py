# ruff: noqa: A005
"""Encodings of text files: how they are told, and files of any encoding read as UTF-8."""

import codecs
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

from pipelines.errors import ConfigError, InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import buffered, compression_of, head_of, open_bytes
from pipelines.storage.task_files.arrow import resolve

HEAD_BYTES = 1 << 20
"""Bytes of a file's beginning that its encoding is told by."""

UNICODE = "unicode"
"""An `encoding`: UTF-8, or UTF-16 and UTF-32 where a file shows them; none is guessed."""

_READ_BYTES = 64 << 10
_OTHERS = (
    (rb"PAR1", "a Parquet file; name it so, or set file_format: parquet"),
    (rb"Obj\x01", "an Avro file, which is not read; write Parquet"),
    (rb"ORC[^\x09-\x7f]", "an ORC file, which is not read; write Parquet"),
    (rb"ARROW1\0", "an Arrow file, which is not read; write Parquet"),
    (rb"SQLite format 3\0", "a database, which is not read; write its tables to files"),
    (rb"%PDF-", "a PDF, which is not read; take its text out"),
    (rb"7z\xbc\xaf|Rar!\x1a", "a 7z or RAR archive; unpack it"),
    (rb"(?s).{257}ustar", "a tar archive; unpack it"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF8 = {"utf-8", "utf-8-sig", "ascii"}  # Python's own names
# the WHATWG's names, which the detector gives, mean these larger sets of characters
_WIDER = {
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
}
_ERRORS = "vectormill.undecodable"


def detect(head: bytes, settings: SourceSettings) -> str:
    """Tell the encoding of a file by its first bytes, unless the settings name it.

    Args:
        head: The first bytes, decompressed; the last character may be cut.
        settings: `encoding` outranks what the bytes show; `unicode` allows no legacy encoding.

    Returns:
        A name that Python knows; `utf-8` also for ASCII and for a file with some bytes that are
        not UTF-8 among more characters that are.

    Raises:
        ConfigError: `encoding` is no encoding of text.
    """
    if settings.encoding not in {None, UNICODE}:
        return _known(str(settings.encoding))
    by_mark = next((name for mark, name in _BOMS if head.startswith(mark)), None)
    if by_mark:
        return by_mark
    good, bad = _utf8_counts(head)
    is_strict = bad == 0 or settings.encoding == UNICODE
    by_nulls = _utf16_by_nulls(head, share=0.2 if is_strict else 0.002)
    if by_nulls or good > bad or is_strict:
        return by_nulls or "utf-8"
    return _guess(head)


def utf8_stream(split: Split, settings: SourceSettings, *, keeps_mark: bool = False) -> BinaryIO:
    """Open a file's text as UTF-8 without a byte order mark.

    A split that begins within its file is of a file that `is_plain`, and is read as it is. A byte
    that is not of the file's encoding becomes 0xFF: it is found where the record is checked.

    Args:
        split: The split.
        settings: What may name the encoding.
        keeps_mark: Leave the mark of a UTF-8 file, so that places are those of the file.

    Raises:
        InputError: The file is of a kind that is no text, as Parquet.
    """
    if split.start > 0:
        return open_bytes(split)
    head = head_of(split, HEAD_BYTES)
    other = next((what for start, what in _OTHERS if re.match(start, head)), None)
    if other:
        raise InputError(f"{split.uri}: is {other}")
    name = detect(head, settings)
    stream = open_bytes(split)
    if name == "utf-8":
        if not keeps_mark and stream.peek(3)[:3] == codecs.BOM_UTF8:  # type: ignore[attr-defined]
            stream.read(3)
        return stream
    closing = ExitStack()
    closing.enter_context(stream)
    return buffered(_transcoded(stream, name), closing)


def is_plain(split: Split, settings: SourceSettings) -> bool:
    """Tell whether a file is uncompressed UTF-8: whether it can be cut at any byte."""
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as file:
        head = file.read(HEAD_BYTES)
    return compression_of(head) is None and detect(head, settings) == "utf-8"


def _known(name: str) -> str:
    try:
        codecs.getincrementaldecoder(name)
        b" ".decode(name, "ignore")  # refuses codecs that are no encodings of text
        found = codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise ConfigError(f"encoding: {name} is not a known encoding of text") from error
    return "utf-8" if found in _UTF8 else found


def _utf8_counts(head: bytes) -> tuple[int, int]:
    """Count the characters of several bytes, and bytes that are not UTF-8; 0 where all are."""
    decode = codecs.getincrementaldecoder("utf-8")  # leaves out what begins at the end
    try:
        decode().decode(head)
    except UnicodeDecodeError:
        text = decode("surrogateescape").decode(head)
        bad = len(re.findall("[\udc80-\udcff]", text))
        return len(re.findall("[^\x00-\x7f]", text)) - bad, bad
    return 0, 0


def _utf16_by_nulls(head: bytes, share: float) -> str | None:
    """Tell UTF-16 without a mark by the NULs that are every second byte of Latin text.

    Args:
        head: The first bytes.
        share: Least part of the characters that have one.
    """
    high, low = head[0::2].count(0), head[1::2].count(0)
    name, most, least = ("utf-16-be", high, low) if high > low else ("utf-16-le", low, high)
    if most < max(1, share * (len(head) // 2)) or most < 4 * least:
        return None
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return None
    is_latin = most > 0.9 * (len(head) // 2)
    return name if is_latin or re.search(r'[\n\r ",]', text) else None


def _guess(head: bytes) -> str:
    from chardetng_py import EncodingDetector

    detector = EncodingDetector()
    detector.feed(head, last=False)
    name = detector.guess(tld=None, allow_utf8=False).lower()
    return _known(_WIDER.get(name, name))


def _transcoded(stream: BinaryIO, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)(_ERRORS)
    is_first = True
    while part := stream.read1(_READ_BYTES):  # type: ignore[attr-defined]
        text = decoder.decode(part)
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        yield text.encode("utf-8", _ERRORS)
    yield decoder.decode(b"", final=True).encode("utf-8", _ERRORS)


def _mark_undecodable(error: Any) -> tuple[str | bytes, int]:
    return (b"\xff" if isinstance(error, UnicodeEncodeError) else "\udcff"), error.end


codecs.register_error(_ERRORS, _mark_undecodable)
