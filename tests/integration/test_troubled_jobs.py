"""Troubled input through the jobs: what is refused leaves the older output, what is noted is told."""

import gzip
import shutil

import pyarrow as pa
import pytest
from stored import read_rows
from troubles import T, files_of, parquet

from schemas import EVENTS

HEAD = "user,item,time\n"
WORDS = "a document with more than five words"
ARRAY = f'[\n{{"user": "u", "item": "i", "time": "{T}"}}\n]\n'.encode()
PACKED = gzip.compress((HEAD + "".join(f"u{n},i,{T}\n" for n in range(999))).encode())

REFUSED = {
    # what: job, file, data, settings, code, words
    "times of another format": ("clean_events", "a.csv", b"user,item,time\nu,i,01/02/2024\n", {}, 4, "valid_time found '01/02/2024'"),
    "events without users": ("clean_events", "a.csv", f"{HEAD},i,{T}\n".encode(), {}, 4, "has_user"),
    "too large a share": ("clean_events", "a.csv", f"{HEAD},i,{T}\nu,i,{T}\n".encode(), {"max_rejected_share": 0.1}, 4, "allowed share 0.1"),
    "a text column of another name": ("clean_corpus", "a.jsonl", f'{{"content": "{WORDS}"}}\n'.encode(), {}, 3, "no column 'text' (text_column); there are: content"),
    "texts too short": ("clean_corpus", "a.txt", b"short", {}, 4, "word_count found '1', allowed >= 5"),
    "no record at all": ("clean_events", "a.csv", HEAD.encode(), {}, 4, "no records"),
    "a name twice": ("clean_events", "a.csv", f"user,item,item,time\nu,i,j,{T}\n".encode(), {}, 3, "a.csv: the header has 'item' twice; rename one"),
    "a JSON array": ("clean_events", "a.json", ARRAY, {}, 3, "a.json: is a JSON array; write one object per line"),
    "gzip cut off": ("clean_events", "a.csv", PACKED[:-90], {}, 3, "a.csv: cannot be read to its end, it is truncated"),
    "Parquet cut off": ("clean_events", "a.parquet", parquet()[:-9], {}, 3, "a.parquet: cannot be read to its end, it is truncated"),
    "an empty file": ("clean_corpus", "a.txt", b"", {}, 3, "a.txt: is empty (zero bytes)"),
    "a page overwritten": ("clean_events", "a.parquet", parquet()[:4] + bytes(60) + parquet()[64:], {}, 3, "restore it, or set bad_files: reject"),
    "an encoding nobody knows": ("clean_events", "a.csv", b"x", {"encoding": "utf-9"}, 2, "encoding: utf-9 is not a known encoding"),
    "a zone that Arrow has not": ("clean_events", "a.parquet", parquet(time=pa.array([0], pa.timestamp("us"))), {"time_zone": "PST"}, 2, "time_zone: no zone 'PST' for typed times"),
}  # fmt: skip

TABLES = {"clean_events": ("events", "events"), "clean_corpus": ("corpus", "documents")}


@pytest.fixture
def clean(vectormill, tmp_path):
    """Return a function that writes one file and cleans it into tables of Parquet."""

    def run(job, name, data, **settings):
        shutil.rmtree(tmp_path / "in", ignore_errors=True)
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / name).write_bytes(data)
        source, table = TABLES[job]
        places = {f"inputs__{source}": tmp_path / "in", f"outputs__{table}": tmp_path / job / table}
        code, said = vectormill(job, **places, format="parquet", **settings)
        return code, " ".join(said.split())  # lines are broken to the screen's width

    return run


@pytest.fixture(scope="module")
def older():
    """Return the files of older outputs by job, which the first test of a job makes."""
    return {}


def stand(older, clean, job, folder):
    """Let an older output stand, and return its files."""
    if job not in older:
        row = f"{HEAD}old,i,{T}\n" if job == "clean_events" else f"text\n{WORDS}\n"
        assert clean(job, "old.csv", row.encode())[0] == 0
        older[job] = files_of(folder / job)
    for name, data in older[job].items():
        (folder / job / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / job / name).write_bytes(data)
    return older[job]


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_the_older_output(older, clean, tmp_path, what):
    job, name, data, settings, code, words = REFUSED[what]
    before = stand(older, clean, job, tmp_path)
    found, said = clean(job, name, data, **settings)
    assert (found, words in said) == (code, True), said
    assert files_of(tmp_path / job) == before


def test_notes_are_told(clean, tmp_path):
    lines = [
        f'{{"user": "u", "item": "i", "time": "{T}", "item": "x"}}',
        f'{{"user": "a\\ud800", "item": "\\ud800", "time": "{T}", "user": "b"}}',
        f'{{"user": "v", "item": "i", "time": "{T}", "value": NaN}}',
    ]
    code, said = clean("clean_events", "a.jsonl", "\n".join(lines).encode())
    assert code == 0
    assert "notes: 2 x repeated_name: a name twice in one JSON object; the first one counts" in said
    assert "notes: 1 x replaced_characters: lone surrogates, replaced by U+FFFD" in said
    assert "notes: 1 x not_finite: NaN or infinity, taken as no value" in said
    assert "lossy_key" not in said
    rows = read_rows(tmp_path / "clean_events" / "events", EVENTS)
    assert sorted((row["user"], row["item"]) for row in rows) == [
        ("a\ufffd", "\ufffd"),
        ("u", "i"),
        ("v", "i"),
    ]


def test_notes_of_typed_columns_are_told(clean):
    odd = parquet(time=pa.array([1, 2001, 3000], pa.timestamp("ns")), user=[2.0**60, 1.0, 2.0])
    _, said = clean("clean_events", "a.parquet", odd)
    assert "notes: 2 x truncated_time: digits below a microsecond were cut off" in said
    assert "notes: 1 x lossy_key" in said


def test_notes_of_texts_are_told(clean):
    line = f'{{"text": "{WORDS} \\udfff", "text": "{WORDS} again"}}\n'
    _, said = clean("clean_corpus", "a.jsonl", line.encode())
    assert "notes: 1 x repeated_name" in said
    assert "notes: 1 x replaced_characters" in said
