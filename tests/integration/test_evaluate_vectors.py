"""`evaluate_vectors` against gensim on the same vectors and files."""

from dataclasses import astuple

import numpy as np
import pytest
from gensim.models import KeyedVectors
from stored import read_rows, store

from jobs.evaluate_vectors import run
from pipelines import tables
from pipelines.errors import ConfigError, InputError
from pipelines.evaluation.config import EvaluateVectorsConfig, EvaluationOutputs, VectorInputs
from pipelines.settings import Layers, build
from pipelines.spaces.registry import new_space
from schemas import EMBEDDING_SPACES, QUALITY_METRICS, VECTORS, VOCABULARY

WORDS = [f"w{n}" for n in range(24)]
RANDOM = np.random.default_rng(11)
MATRIX = RANDOM.standard_normal((24, 6)).astype(np.float32)
for _n in range(0, 12, 2):  # pairs with a common offset: some analogies come out right
    MATRIX[_n + 1] = MATRIX[_n] + np.float32(2) * MATRIX[20] + MATRIX[_n + 2] * np.float32(0.3)
PAIRS = [
    (WORDS[a], WORDS[b], float(score))
    for a, b, score in zip(
        RANDOM.integers(0, 24, 15),
        RANDOM.integers(0, 24, 15),
        RANDOM.integers(0, 10, 15),
        strict=True,
    )
]
FIRST = [(a, a + 1, b, b + 1) for a in range(0, 12, 2) for b in range(0, 12, 2) if a != b]
SECOND = [(1, 2, 3, 4), (20, 21, 22, 23), (5, 9, 13, 17)]


@pytest.fixture(scope="module")
def inputs(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged")
    rows = [
        ("s", "word", key, vector.tolist(), 1.0) for key, vector in zip(WORDS, MATRIX, strict=True)
    ]
    rows.append(("old", "word", "w0", [1.0] * 6, 1.0))
    metadata = {"input_versions": {}, "config_hash": "c", "vectormill": "0", "seed": 1}
    space = new_space(
        space_id="s",
        name="word",
        metric="cosine",
        metadata=metadata,
        parameters={},
        measured={"dimension": 6, "row_count": 24, "checksum": "x"},
    )
    counted = [(n, word, 100 - n, 1) for n, word in enumerate(WORDS)]
    store([astuple(space)], EMBEDDING_SPACES, folder / "embedding_spaces")
    store(counted, VOCABULARY, folder / "vocabulary")
    frame = spark.createDataFrame(rows, VECTORS.schema()).repartition(2)
    tables.write(frame, VECTORS, str(folder / "vectors"), format="parquet", part={}, metadata={})
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    pairs = [*PAIRS, ("w1", "missing", 3.0)]
    (folder / "pairs.txt").write_bytes(
        "".join(f"{a.upper()}\t{b}\t{score}\r\n" for a, b, score in pairs).encode()
    )
    lines = [
        ": first",
        *(" ".join(WORDS[n] for n in question) for question in FIRST),
        ": second",
        *(" ".join(WORDS[n] for n in question) for question in SECOND),
        "w1 w2 w3 missing",
        ": third",
        "no such words here",
    ]
    (folder / "questions.txt").write_text("\n".join(lines))
    return folder


def evaluate(spark, folder, out, **settings):
    vocabulary = str(folder / "vocabulary") if settings.pop("with_vocabulary", False) else None
    inputs = VectorInputs(
        vectors=str(folder / "vectors"),
        vocabulary=vocabulary,
        embedding_spaces=str(folder / "embedding_spaces"),
    )
    outputs = EvaluationOutputs(quality_metrics=str(out / "quality_metrics"))
    result = run(
        spark, EvaluateVectorsConfig(inputs=inputs, outputs=outputs, format="parquet", **settings)
    )
    rows = read_rows(outputs.quality_metrics, QUALITY_METRICS)
    assert {(row["space_id"], row["job"], row["entity"], row["status"]) for row in rows} == {
        ("s", "evaluate_vectors", "word", "measured")
    }
    return result, {row["metric"]: row["value"] for row in rows}


def gensim_vectors(count):
    vectors = KeyedVectors(6)
    vectors.add_vectors(WORDS[:count], MATRIX[:count])
    return vectors


def gensim_accuracies(count, path):
    _, sections = gensim_vectors(count).evaluate_word_analogies(
        str(path), restrict_vocab=None, case_insensitive=False, dummy4unknown=False
    )
    return {
        s["section"]: (len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections
    }


@pytest.mark.parametrize("count", [24, 13])
def test_measures_equal_gensims(spark, inputs, files, tmp_path, count):
    settings = {"with_vocabulary": True, "analogy_vocabulary": 13} if count < 24 else {}
    result, measured = evaluate(
        spark,
        inputs,
        tmp_path,
        similarity_files=[str(files / "pairs.txt")],
        analogy_files=[str(files / "questions.txt")],
        **settings,
    )
    pairs = files / "pairs.txt"
    theirs = gensim_vectors(24).evaluate_word_pairs(str(pairs), case_insensitive=True)
    assert measured["similarity.pairs.spearman"] == pytest.approx(theirs[1].statistic)
    assert measured["similarity.pairs.coverage"] == pytest.approx(15 / 16)
    accuracies = gensim_accuracies(count, files / "questions.txt")
    for section in ("first", "second"):
        right, asked = accuracies[section]
        value = measured[f"analogy.questions.{section}.accuracy"]
        assert value == (pytest.approx(right / asked) if asked else None), section
    right, asked = accuracies["Total accuracy"]
    assert 0 < right < asked
    assert measured["analogy.questions.accuracy"] == pytest.approx(right / asked)
    assert measured["analogy.questions.third.accuracy"] is None
    everything = len(FIRST) + len(SECOND) + 2
    assert measured["analogy.questions.coverage"] == pytest.approx(asked / everything)
    assert (result.space_id, result.rows_out["quality_metrics"]) == ("s", len(measured))


def test_no_files_still_measure_the_number_of_vectors(spark, inputs, tmp_path):
    assert evaluate(spark, inputs, tmp_path)[1] == {"vectors": 24}


def test_bad_files_and_spaces_are_errors(spark, inputs, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_text("a\tb\t1\na\tb\n")
    with pytest.raises(InputError, match=r"bad.txt: line 2"):
        evaluate(spark, inputs, tmp_path, similarity_files=[str(bad)])
    with pytest.raises(InputError, match=r"none.txt: no such file \(analogy_files\)"):
        evaluate(spark, inputs, tmp_path, analogy_files=[str(tmp_path / "none.txt")])
    bad.write_bytes(b": caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8 at byte 5"):
        evaluate(spark, inputs, tmp_path, analogy_files=[str(bad)])
    with pytest.raises(InputError, match="no space named 'words'"):
        evaluate(spark, inputs, tmp_path, space_name="words")


def test_two_files_of_one_name_are_refused():
    tree = {
        "inputs": {"vectors": "v", "embedding_spaces": "e"},
        "outputs": {"quality_metrics": "q"},
        "similarity_files": ["a/ws.txt", "b/ws.tsv"],
    }
    with pytest.raises(ConfigError, match="two files are named 'ws'"):
        build(EvaluateVectorsConfig, Layers().add(tree, "test"))
