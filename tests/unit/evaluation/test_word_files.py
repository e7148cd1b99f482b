"""Layouts of similarity and analogy files, and the errors of malformed ones."""

import os
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from pipelines.errors import InputError
from pipelines.evaluation.similarity import spearman
from pipelines.evaluation.word_files import parse_analogies, parse_similarities

DATA = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[3] / "../shared/data"))
FOLDER = DATA / "similarity"
needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"BENCH_DATA: no folder {FOLDER}")


def similarities(text, is_lowercase=True):
    return parse_similarities(text, origin="data/ws.txt", is_lowercase=is_lowercase)


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\r\nLove\tsex\t6.77\r\n\r\ntiger\tcat\t7.35\r\n",
        "Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\ntiger\tcat\t7.35\n",
        "\ufefflove sex 6.77\ntiger cat 7.350000\n",
        "Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n",
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\nlove\tsex\tN\t6.77\t3\ntiger\tcat\tN\t7.35\t4\n",
    ],
    ids=["wordsim", "wordsim header", "men", "csv", "simlex"],
)
def test_layouts_are_told_apart(text):
    found = similarities(text)
    assert found.name == "ws"
    assert found.pairs == [("love", "sex"), ("tiger", "cat")]
    assert found.scores == [6.77, 7.35]


def test_suffixes_and_case_are_kept_where_asked():
    assert similarities("Sun-n sunlight-n 50.0\n", is_lowercase=False).pairs == [
        ("Sun-n", "sunlight-n")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\t1\nc\td\n", "data/ws.txt: line 2"),
        ("a\tb\t1\n\nc\td\tmany\n", "line 3"),
        ("a\tb\t1\nc\td\tnan\n", "line 2"),
        ("a\tb\t1\n\td\t2\n", "line 2"),
        ("a\n", "line 1"),
        ("word1\tword2\tscore\n", "holds no pairs"),
        ("# nothing\n", "holds no pairs"),
    ],
)
def test_bad_pairs_are_named_by_file_and_line(text, message):
    with pytest.raises(InputError, match=message):
        similarities(text)


def test_analogies_have_sections():
    text = ": capital-common\r\nAthens Greece Oslo Norway\r\n: gram1\nbig bigger old older\n"
    found = parse_analogies(text, origin="x/questions.txt", is_lowercase=True)
    assert found.name == "questions"
    assert found.sections == ["capital-common", "gram1"]
    assert found.questions[0] == ("athens", "greece", "oslo", "norway")
    assert parse_analogies(text, origin="q", is_lowercase=False).questions[0][0] == "Athens"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b c d\n", "q: line 1: expected a line ': section'"),
        (": s\na b c\n", "q: line 2: expected four words"),
        (": s\n", "holds no questions"),
    ],
)
def test_bad_analogies_are_named_by_file_and_line(text, message):
    with pytest.raises(InputError, match=message):
        parse_analogies(text, origin="q", is_lowercase=True)


@pytest.mark.parametrize(
    ("left", "right"),
    [([1, 2, 3, 4], [1, 3, 2, 4]), ([1, 1, 2, 3, 3, 3], [2, 1, 2, 5, 4, 4]), ([2, 1], [1, 2])],
)
def test_spearman_equals_scipys(left, right):
    assert spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


def test_spearman_of_too_little_is_unknown():
    assert spearman([], []) is None
    assert spearman([1.0], [2.0]) is None
    assert spearman([1.0, 1.0], [1.0, 2.0]) is None


@pytest.mark.data
@needs_data
def test_real_files_are_read_whole():
    pairs = similarities((FOLDER / "EN-WS-353-ALL.txt").read_text(encoding="utf-8"))
    assert len(pairs.pairs) == 353
    assert pairs.pairs[1] == ("tiger", "cat")
    text = (FOLDER / "questions-words.txt").read_text(encoding="utf-8")
    questions = parse_analogies(text, origin="questions-words.txt", is_lowercase=True)
    assert (len(questions.questions), len(set(questions.sections))) == (19_544, 14)
