"""The troubled inputs of public reports, where the shared data is."""

import os
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from troubles import Case, check, files_of, outcomes

from pipelines.corpus.cleaning import document_fields, judge_documents
from pipelines.corpus.config import CleaningSettings
from pipelines.sources import read_records

DATA = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[2] / "../shared/data"))
FOLDER = DATA / "faults"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"BENCH_DATA: no folder {FOLDER}"),
]

DAY = "2024-01-01T00:00:00"
TWO = [("u1", "i1", "2024-01-01T00:00:01"), ("u2", "i2", "2024-01-01T00:00:02")]
E05 = "".join(f'{{"user":"u{n}","item":"i{n}","time":"2024-01-01T00:00:0{n}Z"}}' for n in (3, 4))
EVENTS = {
    "g4": {"rejected": [(2, "valid_time"), (3, "valid_time")]},
    "e09": {"kept": [("new1", "i0"), ("new2", "i1")]},
    "e08q": {"kept": [("right", "i")]},
    "e08z_colon": {"kept": [("right", "i")]},
    "e07pd": {"kept": [("12345678", "i", DAY)], "rejected": [(1, "has_user")]},
    "e07us": {"kept": [("u1", "i1", "2024-01-01T00:00:00.123456"), ("u2", "i2")]},
    "e04p": {
        "kept": [("12345678", "9007199254740993"), ("42",), ("9.007199254740992e+15",)],
        "rejected": [(3, "has_user")],
        "notes": ["not_finite", "lossy_key not_finite"],
    },
    "e04m": {"kept": [("12345678", "a"), ("12345678", "b")]},
    "e10": {"kept": [("buyer", "i", DAY, None, "buy"), ("clicker", "i", DAY, None, "click")]},
    "e11": {"kept": [("ann", "tea"), ("bob", "milk")]},
    "e05": {
        "kept": [("u1",), ("u2",), ("u5", "i5"), ("u\ufffdx", "i\0z")],
        "rejected": [(141, "valid_json", E05)],
        "notes": ["not_finite", "not_finite", "repeated_name", "replaced_characters"],
    },
    "e21": {
        "kept": [("u0",), ("u1",), ("u2",), ("v0",), ("v1",), ("v2",)],
        "rejected": [(5, "valid_csv", 'u9,"5" monitor",2024-01-01T00:00:00Z')],
    },
    "e02": {"kept": TWO},
    "e03": {"refused": "a.csv: the header has 'item' twice; rename one"},
    "e23": {"kept": TWO},
    "e27": {"kept": TWO},
    "e06c": {"kept": [(f"u{n}",) for n in range(1000)]},
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    cases = {name: Case(files_of(FOLDER / name), **wanted) for name, wanted in EVENTS.items()}
    return cases, outcomes(spark, tmp_path_factory.mktemp("shared"), cases)


@pytest.mark.parametrize("name", EVENTS)
def test_shared_events(found, name):
    cases, outcome = found
    check(cases[name], outcome[name])


def documents(spark, name, **settings):
    """Return position and rules of each document of a folder, and whether its id is its place."""
    wanted = CleaningSettings(**settings)
    read = read_records(spark, str(FOLDER / name), document_fields(wanted), wanted)
    judged = judge_documents(read.frame, wanted).orderBy("position")
    is_place = F.length("doc_id") == 32
    return [tuple(row) for row in judged.select("position", "reasons.rule", is_place).collect()]


def test_shared_texts(spark):
    assert [row[:2] for row in documents(spark, "c05")] == [
        (0, ["valid_json"]),
        (165, ["valid_json"]),
        (265, []),
        (348, ["scalar_value"]),
        (507, ["scalar_value"]),
        (600, []),
    ]


def test_shared_ids(spark):
    found = documents(spark, "c17", id_column="id")
    assert [rules for _, rules, _ in found] == [[], [], [], [], ["unique_id"], [], []]
    assert [is_place for *_, is_place in found] == [True, True, True, False, False, True, True]


def test_shared_text_column(spark):
    with pytest.raises(Exception, match=r"no column 'text' \(text_column\); there are: content"):
        documents(spark, "c32")
