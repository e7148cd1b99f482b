"""Raw text input that is troubled: CSV, JSON, encodings and compression that go wrong."""

import bz2
import codecs
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pytest
from troubles import Case, T, check, outcomes

DAY = "2024-01-01T00:00:00"
HEAD = "user,item,time\n"
ONE = f"u,i,{T}\n"
LINE = f'{{"user": "u", "item": "i", "time": "{T}"}}\n'


def of(*users):
    """Return events that differ by user alone."""
    return [(user, "i", DAY) for user in users]


def csv(text, encoding="utf-8"):
    return {"a.csv": text.encode(encoding)}


def jsonl(*users, after=""):
    """Return a file of one object per user, written as JSON; other text than users' follows it."""
    objects = [f'{{"user": {user}, "item": "i", "time": "{T}"{after}}}\n' for user in users]
    return {"a.jsonl": "".join(objects).encode("utf-8", "surrogatepass")}


def packed(data, *names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(name, text):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def locked(archive):
    """Return a zip whose members say that they are encrypted."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = archive.index(mark) + place
        archive = archive[:at] + bytes([archive[at] | 1]) + archive[at + 1 :]
    return archive


MANY = "".join(f"u{n},i,{T}\n" for n in range(3000))
GZIPPED = gzip.compress((HEAD + MANY).encode(), mtime=0)
RUSSIAN = "Достоевский Фёдор Михайлович"
JAPANESE = "東京タワーの歴史、カタカナ"

CASES = {
    # headers of CSV
    "sep= line": Case(csv(f"sep=;\nuser;item;time\nu;i;{T}\n"), of("u")),
    "sep= line, quoted and with CRLF": Case(csv(f'"sep=|"\r\nuser|item|time\r\nu|i|{T}\r\n'), of("u")),
    "sep= line of tabs": Case(csv(f"SEP=\t\nuser\titem\ttime\nu\ti\t{T}\n"), of("u")),
    "trailing commas": Case(csv(f"{HEAD}u,i,{T},\nv,i,{T},,\n"), of("u", "v")),
    "trailing commas of the header": Case(csv(f"user,item,time,\nu,i,{T},\n"), of("u")),
    "a name twice that is asked for": Case(csv(f"user,item,time,item\nu,i,{T},x\n"), refused="the header has 'item' twice; rename one"),
    "a name twice that is not": Case(csv(f"user,item,time,x,x\nu,i,{T},1,2\n"), of("u")),
    "blank names": Case(csv(f",user,,item,time\n1,u,2,i,{T}\n"), of("u")),
    "blanks around names": Case(csv(f"user, item , time\nu,i,{T}\n"), refused="no column 'item' (columns.item); there are: user,  item ,  time. did you mean ' item '"),
    "blank lines first": Case(csv(f"\n \r\n\n{HEAD}{ONE}"), of("u")),
    "blank lines between": Case(csv(f"{HEAD}\n{ONE}\r\n\n"), of("u")),
    "no header": Case(csv(ONE), refused="no column 'user' (columns.user); there are: u, i, 2024-01-01T00:00:00Z"),
    "a header alone": Case({"a.csv": HEAD.encode(), "b.csv": (HEAD + ONE).encode()}, of("u")),
    "a header with a mark": Case(csv("\ufeff" + HEAD + ONE), of("u")),
    "a quoted header with a mark": Case(csv(f'\ufeff"user","item","time"\n{ONE}'), of("u")),
    "another delimiter": Case(csv(f"user^item^time\nu^i^{T}\n"), of("u"), settings={"delimiter": "^"}),
    "another delimiter that is not told": Case(csv(f"user^item^time\nu^i^{T}\n"), refused="there are: user^item^time. Is the delimiter another one? Set delimiter"),
    # quotes and fields of CSV
    "a quote inside": Case(csv(f'{HEAD}{ONE}u,"5" monitor",{T}\nv,i,{T}\n'), of("u", "v"), [(3, "valid_csv", f'u,"5" monitor",{T}')]),
    "a bare quote": Case(csv(f'{HEAD}5" screen,i,{T}\nv,i,{T}\n'), of('5" screen', "v")),
    "a quote that stays open": Case(csv(f'{HEAD}{ONE}"v,i,{T}\nw,i,{T}\n'), of("u", "w"), [(3, "valid_csv", f'"v,i,{T}')]),
    "quotes that stay open, twice": Case(csv(f'{HEAD}"v,i,{T}\n{ONE}w,"i,{T}\n'), of("u"), [(2, "valid_csv"), (4, "valid_csv")]),
    "doubled quotes and line ends": Case(csv(f'{HEAD}"a ""b""\r\nc",i,{T}\nv,i,{T}\n'), of('a "b"\r\nc', "v")),
    "backslashes before quotes": Case(csv(f'{HEAD}"a \\"b\\"",i,{T}\n'), of('a "b"'), settings={"escape": "\\"}),
    "too few fields and too many": Case(csv(f"{HEAD}u,i\nv,i,{T},more\n{ONE}"), of("u"), [(2, "column_count", "u,i"), (3, "column_count", f"v,i,{T},more")]),
    "nothing, blanks and null values": Case(csv(f'{HEAD},i,{T}\n" ",i,{T}\n\\N,i,{T}\nNULL,i,{T}\n'), of("NULL"), [(2, "has_user"), (3, "has_user"), (4, "has_user")]),
    "ids that look like numbers": Case(csv(f"{HEAD}00042,i,{T}\n1e5,i,{T}\n1.0,i,{T}\n-0,i,{T}\n"), of("00042", "1e5", "1.0", "-0")),
    "old line ends": Case(csv((HEAD + ONE + ONE).replace("\n", "\r")), of("u", "u")),
    "NUL bytes": Case(csv(f"{HEAD}a\0b,i,{T}\n"), of("a\0b")),
    "a record too long": Case(csv(f"{HEAD}{'x' * 5000},i,{T}\n{ONE}"), of("u"), [(2, "max_record_bytes")], settings={"max_record_bytes": 1024}),
    # encodings
    "UTF-16 LE with a mark": Case({"a.csv": codecs.BOM_UTF16_LE + (HEAD + f"ü,i,{T}\n").encode("utf-16-le")}, of("ü")),
    "UTF-16 BE with a mark": Case({"a.csv": codecs.BOM_UTF16_BE + (HEAD + f"ü,i,{T}\n").encode("utf-16-be")}, of("ü")),
    "UTF-16 LE": Case(csv(HEAD + f"ü,i,{T}\n", "utf-16-le"), of("ü")),
    "UTF-16 BE": Case(csv(HEAD + f"ü,i,{T}\n", "utf-16-be"), of("ü")),
    "UTF-32": Case(csv(HEAD + f"ü,i,{T}\n", "utf-32"), of("ü")),
    "UTF-16 JSON": Case({"a.jsonl": LINE.encode("utf-16")}, of("u")),
    "UTF-16 cut within a character": Case({"a.csv": (HEAD + ONE).encode("utf-16") + b"x"}, of("u"), [(3, "column_count", "\ufffd")]),
    "cp1252": Case(csv(f"{HEAD}Müller: Café “Süd”,i,{T}\n", "cp1252"), of("Müller: Café “Süd”")),
    "cp1251": Case(csv(f"{HEAD}{RUSSIAN},i,{T}\n", "cp1251"), of(RUSSIAN)),
    "Shift-JIS": Case(csv(f"{HEAD}{JAPANESE},i,{T}\n", "shift_jis"), of(JAPANESE)),
    "an encoding that is set": Case(csv(f"{HEAD}ñ,i,{T}\n", "cp850"), of("ñ"), settings={"encoding": "cp850"}),
    "one byte that is not UTF-8": Case({"a.csv": (HEAD + f"grüße aus köln,i,{T}\n").encode() + b"\xff,i,x\n"}, of("grüße aus köln"), [(3, "valid_utf8", "\ufffd,i,x")]),
    "JSON that is not UTF-8": Case({"a.jsonl": LINE.encode() + LINE.replace('"u"', '"ü"').encode("cp1252")}, of("u"), [(59, "valid_utf8")]),
    # JSON
    "two objects on a line": Case({"a.jsonl": (LINE.strip() + LINE + LINE).encode()}, of("u"), [(0, "valid_json", LINE.strip() * 2)]),
    "rubbish behind an object": Case({"a.jsonl": (LINE.strip() + " rubbish\n" + LINE).encode()}, of("u"), [(0, "valid_json", LINE.strip() + " rubbish")]),
    "a comma behind each object": Case({"a.jsonl": (LINE.strip() + ",\n" + LINE).encode()}, of("u"), [(0, "valid_json")]),
    "lines that are no objects": Case({"a.jsonl": f'{LINE}"u"\n7\nnull\n[{LINE.strip()}]\n{{}}\n'.encode()}, of("u"), [(59, "valid_json", '"u"'), (63, "valid_json"), (65, "valid_json"), (70, "valid_json"), (131, "has_user has_item has_time")]),
    "an object cut off": Case({"a.jsonl": (LINE + LINE[:30]).encode()}, of("u"), [(59, "valid_json", LINE[:30])]),
    "a byte order mark": Case({"a.jsonl": ("\ufeff" + LINE).encode()}, of("u")),
    "NaN and infinity": Case(jsonl('"u"', after=', "value": NaN') | {"b.jsonl": jsonl('"v"', after=', "value": -Infinity')["a.jsonl"], "c.jsonl": jsonl('"w"', after=', "value": 1e999')["a.jsonl"]}, [(user, "i", DAY, None) for user in "uvw"], notes=["not_finite"] * 3),
    "a key twice": Case(jsonl('"u"', after=', "user": "x"'), of("u"), notes=["repeated_name"]),
    "a key twice that is not asked for": Case(jsonl('"u"', after=', "x": 1, "x": 2'), of("u")),
    "a key twice, once by escapes": Case(jsonl('"u"', after=', "\\u0075ser": "x"'), of("u"), notes=["repeated_name"]),
    "lone surrogates": Case(jsonl('"a\\ud800b"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"'), of("a\ufffdb", "\ufffd\ufffd", "😀"), notes=["replaced_characters"] * 2),
    "surrogates as bytes": Case(jsonl('"a\ud800b"', '"u"'), of("u"), [(0, "valid_utf8")]),
    "an array over lines": Case({"a.json": f"[\n{LINE.strip()},\n{LINE}]\n".encode()}, refused="a.json: is a JSON array; write one object per line"),
    "an array on a line": Case({"a.json": f"[{LINE.strip()}, {LINE.strip()}]".encode()}, refused="a.json: is a JSON array; write one object per line"),
    "pretty-printed objects": Case({"a.json": LINE.replace(", ", ",\n  ").replace("{", "{\n  ").encode()}, refused="objects over several lines; write one object per line"),
    "numbers as ids": Case(jsonl("7", "42.0", "1e5", "0.50", "12345678901234567890", "-0", "1.5e-7", "true"), of("7", "42", "100000", "0.50", "12345678901234567890", "0", "1.5e-7", "true")),
    "floats above 2^53 as ids": Case(jsonl("9007199254740993.0"), of("9007199254740993.0"), notes=["lossy_key"]),
    "ids with zeros in front": Case(jsonl('"00042"', "00042"), of("00042"), [(63, "valid_json", f'{{"user": 00042, "item": "i", "time": "{T}"}}')]),
    "no ids": Case(jsonl('""', '"  "', "null"), [], [(0, "has_user"), (58, "has_user"), (118, "has_user")]),
    "lists and objects as ids": Case(jsonl('["u"]', '{"id": 1}', '"u"'), of("u"), [(0, "scalar_value"), (61, "scalar_value")]),
    "nested fields": Case(jsonl('{"id": {"x": 42.0}}', '{"id": 1}', "null"), of("42"), [(75, "has_user"), (140, "has_user")], settings={"columns": {"user": "user.id.x"}}),
    "a name with dots before nested ones": Case(jsonl('{"id": "no"}', after=', "user.id": "u"'), of("u"), settings={"columns": {"user": "user.id"}}),
    "names of other letters": Case(jsonl('"u"', after=', "größe": 3'), [("u", "i", DAY, 3.0)], settings={"columns": {"value": "größe"}}),
    # compression
    "gzip without .gz": Case({"a.csv": gzip.compress((HEAD + ONE).encode())}, of("u")),
    ".gz without gzip": Case({"a.csv.gz": (HEAD + ONE).encode()}, of("u")),
    "gzip of two members": Case({"a.csv.gz": gzip.compress(HEAD.encode()) + gzip.compress(ONE.encode())}, of("u")),
    "zip": Case({"a.csv.zip": packed(HEAD + ONE, "b.csv")}, of("u")),
    "zip with a Mac's folder": Case({"a.csv": packed(HEAD + ONE, "b.csv", "__MACOSX/._b.csv")}, of("u")),
    "zip of two files": Case({"a.csv.zip": packed(HEAD + ONE, "b.csv", "c.csv")}, refused="is a zip of 2 files; unpack it, or zip each alone"),
    "xz, bz2 and zstd without their endings": Case({"a.jsonl": lzma.compress(LINE.encode()), "b.jsonl": bz2.compress(LINE.encode()), "c.jsonl": bytes(pa.Codec("zstd").compress(LINE.encode(), asbytes=True))}, of("u", "u", "u")),
    "gzip of UTF-16": Case({"a.csv.gz": gzip.compress((HEAD + ONE).encode("utf-16"))}, of("u")),
    "gzip cut off": Case({"a.csv.gz": GZIPPED[:-200]}, refused="a.csv.gz: cannot be read to its end"),
    "gzip whose second member is cut off": Case({"a.csv": GZIPPED + GZIPPED[:500]}, refused="a.csv: cannot be read to its end"),
    "gzip with rubbish behind": Case({"a.csv": gzip.compress((HEAD + ONE).encode()) + b"rubbish" * 9}, refused="a.csv: cannot be read to its end"),
    "zip cut off": Case({"a.csv": packed(HEAD + MANY, "b.csv")[:-50]}, refused="a.csv: cannot be read to its end"),
    "gzip cut off in its head": Case({"a.csv": GZIPPED[:8]}, refused="a.csv: cannot be read to its end"),
    "gzip of nothing": Case({"a.csv": gzip.compress(b""), "b.csv": (HEAD + ONE).encode()}, of("u")),
    "Parquet by the name of CSV": Case({"a.csv": b"PAR1" + bytes(range(256)) * 3 + b"PAR1"}, refused="a.csv: is a Parquet file; name it so, or set file_format: parquet"),
    "a tar in gzip": Case({"a.csv.gz": gzip.compress(tarred("a.csv", HEAD + ONE))}, refused="a.csv.gz: is a tar archive; unpack it"),
    "Avro by the name of JSON": Case({"a.jsonl": b"Obj\x01\x02\x16avro.schema"}, refused="a.jsonl: is an Avro file, which is not read"),
    "a zip with a password": Case({"a.csv": locked(packed(HEAD + ONE, "b.csv"))}, refused="a.csv: is a zip that cannot be unpacked"),
    "CR alone between objects": Case({"a.jsonl": (LINE + LINE).replace("\n", "\r").encode()}, [], [(0, "valid_json")]),
    "CRLF between objects": Case({"a.jsonl": (LINE + "\n" + LINE).replace("\n", "\r\n").encode()}, of("u", "u")),
    "single quotes": Case({"a.jsonl": (LINE + LINE.replace('"', "'")).encode()}, of("u"), [(59, "valid_json")]),
    "nested deeply": Case({"a.jsonl": (LINE[:-2] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}\n" + LINE).encode()}, of("u"), [(0, "valid_json")]),
    "numbers of odd sizes": Case(jsonl("1E5", "1e400", "-1e-400", "0e0"), of("100000", "0", "0"), [(59, "has_user")], ["not_finite"]),
    "blanks of Unicode as ids": Case(jsonl('"\\u00a0"', '"\\u3000"', '"\\u200b"'), of("\u00a0", "\u3000", "\u200b")),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    return outcomes(spark, tmp_path_factory.mktemp("texts"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_troubled_texts(found, name):
    check(CASES[name], found[name])
