"""Text is read as UTF-8 whatever encoding its file has, and bytes that are not text are found."""

import gzip
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.sources.config import SourceSettings
from pipelines.sources.split import Split
from pipelines.sources.streams.encodings import HEAD_BYTES, detect, is_plain, utf8_stream

LATIN = "Ein Bär läuft über die Straße; où êtes-vous allés cet été, señor Muñoz?\n"
RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю.\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.\n"
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。\n"
JSON = '{"user": "u1", "text": "人人生而自由"}\n'


def _settings(encoding: str | None = None) -> SourceSettings:
    return SourceSettings(encoding=encoding)


def _split(path: Path, content: bytes, start: int = 0) -> Split:
    path.write_bytes(content)
    return Split(str(path), path.name, len(content), start)


def _read(path: Path, content: bytes, encoding: str | None = None) -> bytes:
    with utf8_stream(_split(path, content), _settings(encoding)) as stream:
        return stream.read()


ENCODED = [
    *((LATIN, name) for name in ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32")),
    *((RUSSIAN, name) for name in ("utf-8", "cp1251", "koi8-r", "utf-16", "utf-8-sig")),
    *((JAPANESE, name) for name in ("utf-8", "shift_jis", "euc-jp", "utf-16")),
    *((KOREAN, name) for name in ("utf-8", "euc-kr", "utf-16")),
    *((CHINESE, name) for name in ("utf-8", "gbk", "big5hkscs", "utf-16")),
    *((JSON, name) for name in ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32")),
    ("plain words\n", "ascii"),
    ("plain words\n", "utf-16-be"),
]


@pytest.mark.parametrize(("text", "encoding"), ENCODED)
def test_each_encoding_is_told_and_read(text: str, encoding: str, tmp_path: Path) -> None:
    text = text.replace("尊严", "平等") if encoding == "big5hkscs" else text
    text = text.encode(encoding, "ignore").decode(encoding) * 20
    assert _read(tmp_path / "a", text.encode(encoding)) == text.encode()


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_a_byte_order_mark_tells_the_encoding_and_is_removed(mark: str, tmp_path: Path) -> None:
    content = ("\ufeff" + JSON).encode(mark)
    assert detect(content, _settings()) == mark
    assert _read(tmp_path / "a", content) == JSON.encode()
    assert _read(tmp_path / "a", gzip.compress(content)) == JSON.encode()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", "utf-8"),
        (b"{}", "utf-8"),
        ("é".encode()[:1], "utf-8"),  # a character that the head's end cuts
        (b"ab" + "日本".encode()[:5], "utf-8"),
        ("日本".encode() + b"\xff", "utf-8"),  # a bad byte among more good characters
        ("日本".encode() + b"\xff\xfe\xfd", "other"),
        (b"a\x00b\n" * 30, "other_than_utf16"),  # some NULs do not make it UTF-16
        (b'{"a": "x\x00y"}\n' * 30, "utf-8"),
        ((LATIN * 9).encode("cp1252") + b"\x00", "other_than_utf16"),
        (("a, b\n" * 30).encode("utf-32-le"), "other_than_utf16"),
    ],
)
def test_the_head_tells_the_encoding(head: bytes, expected: str) -> None:
    found = detect(head, _settings())
    if expected == "other":
        assert found != "utf-8"
    elif expected == "other_than_utf16":
        assert not found.startswith("utf-16")
    else:
        assert found == expected


def test_the_setting_outranks_what_is_told(tmp_path: Path) -> None:
    assert _read(tmp_path / "a", "é".encode(), "cp1252") == "Ã©".encode()
    assert _read(tmp_path / "a", LATIN.encode("cp1252"), "UTF8") == LATIN.encode("cp1252")
    assert _read(tmp_path / "a", b"\xef\xbb\xbfx", "utf-8") == b"x"
    assert _read(tmp_path / "a", LATIN.encode("utf-16"), "utf-16") == LATIN.encode()


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "", "a\x00b"])
def test_an_unknown_encoding_is_an_error_of_the_configuration(name: str) -> None:
    with pytest.raises(ConfigError, match=r"encoding: .* is not a known encoding"):
        detect(b"", _settings(name))


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (b"a\x81b\n", "cp1252", b"a\xffb\n"),
        (b"\x00\xd8a\x00\n\x00", "utf-16-le", b"\xffa\n"),
        (b"a\x00\n\x00b", "utf-16-le", b"a\n\xff"),
        (b"\x82\n\xff\n", "shift_jis", b"\xff\n\xff\n"),
        (b"\xfd\xff", "utf-16-le", "\ufffd".encode()),  # that character itself stays
    ],
)
def test_undecodable_bytes_are_found_later(
    content: bytes, encoding: str, expected: bytes, tmp_path: Path
) -> None:
    assert _read(tmp_path / "a", content, encoding) == expected


def test_characters_across_reads_stay_whole(tmp_path: Path) -> None:
    text = "x" + "日本𝄞" * 60_000
    assert _read(tmp_path / "a", text.encode("utf-16")) == text.encode()
    assert _read(tmp_path / "a", text.encode("gb18030"), "gb18030") == text.encode()


def test_only_uncompressed_utf8_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    assert is_plain(_split(path, JSON.encode()), _settings())
    assert is_plain(_split(path, b"\xef\xbb\xbf" + JSON.encode()), _settings())
    assert not is_plain(_split(path, gzip.compress(JSON.encode())), _settings())
    assert not is_plain(_split(path, JSON.encode("utf-16")), _settings())
    assert not is_plain(_split(path, JSON.encode()), _settings("cp1252"))


def test_a_later_split_is_read_as_it_is(tmp_path: Path) -> None:
    content = JSON.encode() * 3
    with utf8_stream(_split(tmp_path / "a", content, start=5), _settings()) as stream:
        assert stream.read() == content[5:]


def test_the_head_may_end_within_a_character(tmp_path: Path) -> None:
    content = b"x" * (HEAD_BYTES - 1) + "日本".encode()
    assert _read(tmp_path / "a", content) == content
