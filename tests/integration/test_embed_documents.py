"""`embed_documents` against a loop over tokens in float64 and numpy's SVD."""

import math
from dataclasses import astuple
from datetime import UTC, datetime

import numpy as np
import pytest
from stored import read_rows, store

from jobs.cli.command import main
from jobs.embed_documents import run
from pipelines import tables
from pipelines.document_vectors.config import EmbedDocumentsConfig, EmbedInputs, EmbedOutputs
from pipelines.errors import ConfigError, InputError
from pipelines.spaces.registry import new_space
from schemas import (
    DOCUMENT_VECTORS,
    EMBEDDING_SPACES,
    ITEM_IDS,
    RUN_COUNTS,
    SENTENCES,
    VECTORS,
    VOCABULARY,
)

COUNTS = {"the": (50, 5), "cat": (20, 4), "dog": (20, 3), "sat": (8, 2), "mute": (2, 1)}
WORDS = list(COUNTS)  # their place is their id; `mute` has no vector
MATRIX = np.random.default_rng(5).standard_normal((4, 3)).astype(np.float32) + np.float32(1)
SENTENCE_IDS = [
    ("a:0", "a", [0, 1, 3]),
    ("a:1", "a", [0, 2]),
    ("b:0", "b", [4, 1, 1, 77]),
    ("c:0", "c", [0, 2, 2, 3, 4]),
    ("d:0", "d", [2]),
    ("quiet:0", "quiet", [4, 4]),
    ("blank:0", "blank", []),
    ("a:2", "a", [1]),
]
DOCUMENTS = {
    "a": [0, 1, 3, 0, 2, 1],
    "b": [4, 1, 1, 77],
    "c": [0, 2, 2, 3, 4],
    "d": [2],
    "quiet": [4, 4],
    "blank": [],
}


def write(spark, folder, rows, table, name=None):
    return store(rows, table, folder / (name or table.name))


def write_two_files(spark, folder, rows, table):
    uri, frame = str(folder / table.name), spark.createDataFrame(rows, table.schema())
    tables.write(frame.repartition(2), table, uri, format="parquet", part={}, metadata={})
    return uri


def vector_rows(space, matrix):
    return [
        (space, "word", word, vector.tolist(), 1.0)
        for word, vector in zip(WORDS, matrix, strict=False)
    ]


def registry_row(space_id, day):
    space = new_space(
        space_id=space_id,
        name="word",
        metric="cosine",
        measured={"dimension": 3, "row_count": 4, "checksum": "x"},
        metadata={"input_versions": {}, "config_hash": "c", "vectormill": "0", "seed": 1},
        parameters={},
    )
    return astuple(space.changed(requested_at=datetime(2024, 1, day, tzinfo=UTC)))


@pytest.fixture(scope="module")
def inputs(spark, tmp_path_factory):
    """Return the inputs as stored: words of two spaces, `s` the newer one."""
    folder = tmp_path_factory.mktemp("embed")
    other = [("s", "item", "the", [9.0] * 3, 1.0), ("s", "word", "unasked", [7.0] * 3, 1.0)]
    vectors = [*vector_rows("s", MATRIX), *vector_rows("old", MATRIX[:, ::-1]), *other]
    vocabulary = [(n, word, *COUNTS[word]) for n, word in enumerate(WORDS)]
    spaces = [registry_row("old", 1), registry_row("s", 2)]
    return EmbedInputs(
        sentences=write_two_files(spark, folder, SENTENCE_IDS, SENTENCES),
        vocabulary=write(spark, folder, vocabulary, VOCABULARY),
        vectors=write_two_files(spark, folder, vectors, VECTORS),
        embedding_spaces=write(spark, folder, spaces, EMBEDDING_SPACES),
    )


def configure(inputs, folder, storage="parquet", **settings):
    outputs = EmbedOutputs(document_vectors=str(folder / "document_vectors"))
    return EmbedDocumentsConfig(inputs=inputs, outputs=outputs, format=storage, **settings)


def embed(spark, inputs, folder, storage="parquet", **settings):
    config = configure(inputs, folder, storage, **settings)
    result = run(spark, config)
    rows = read_rows(config.outputs.document_vectors, DOCUMENT_VECTORS)
    assert len({row["doc_id"] for row in rows}) == len(rows)
    return result, {row["doc_id"]: row for row in rows}


def weight(word, weighting):
    count, document_count = COUNTS[word]
    if weighting == "idf":
        return math.log((1 + len(DOCUMENTS)) / (1 + document_count)) + 1
    return 0.01 / (0.01 + count / 100) if weighting == "sif" else 1.0


def expect(documents, weighting, removed, matrix=MATRIX):
    """Return the vectors of the documents that have one, by their ids."""
    known = {key: [n for n in ids if n < len(matrix)] for key, ids in documents.items()}
    keys = [key for key, ids in known.items() if ids]
    rows = np.array(
        [
            sum(weight(WORDS[n], weighting) * matrix[n].astype(np.float64) for n in known[key])
            / len(known[key])
            for key in keys
        ]
    )
    first = np.linalg.svd(rows, full_matrices=False)[2][:removed]
    return dict(zip(keys, rows - rows @ first.T @ first, strict=True))


def assert_vectors(rows, expected):
    assert {key for key, row in rows.items() if not row["is_empty"]} == set(expected)
    for key, vector in expected.items():
        np.testing.assert_allclose(rows[key]["vector"], vector, atol=2e-6, err_msg=key)
        assert rows[key]["norm"] == pytest.approx(np.linalg.norm(vector), abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "weighting", "removed"),
    [
        ({"sif_a": 0.01}, "sif", 1),
        ({"weighting": "mean"}, "mean", 0),
        pytest.param(
            {"weighting": "idf", "remove_components": 2}, "idf", 2, marks=pytest.mark.slow
        ),
    ],
    ids=["sif", "mean", "idf"],
)
def test_each_document_has_one_row_and_the_expected_vector(
    spark, inputs, tmp_path, settings, weighting, removed
):
    result, rows = embed(spark, inputs, tmp_path, **settings)
    assert_vectors(rows, expect(DOCUMENTS, weighting, removed))
    assert set(rows) == set(DOCUMENTS)
    for key, ids in DOCUMENTS.items():
        known = sum(n < len(MATRIX) for n in ids)
        counted = (rows[key]["token_count"], rows[key]["known_token_count"])
        assert counted == (len(ids), known), key
        if not known:
            assert tuple(rows[key].values()) == ("s", key, None, None, len(ids), 0, True)
    assert (result.rows_in, result.rows_out) == ({"documents": 6}, {"document_vectors": 6})
    assert (result.rejected, result.space_id) == ({"no_known_token": 2}, "s")
    assert result.measures == {"tokens": 18, "unknown_tokens": 5}


@pytest.mark.parametrize("storage", ["parquet", pytest.param("delta", marks=pytest.mark.slow)])
def test_a_second_run_replaces_the_same_rows_and_counts(spark, inputs, tmp_path, storage):
    first = embed(spark, inputs, tmp_path, storage)
    second = embed(spark, inputs, tmp_path, storage)
    assert first == second
    counts = read_rows(tmp_path / "run_counts", RUN_COUNTS)
    assert sorted((row["kind"], row["count"], row["value"]) for row in counts) == [
        ("in", "documents", 6),
        ("out", "document_vectors", 6),
        ("rejected", "no_known_token", 2),
    ]


def test_a_sentence_can_be_a_document(spark, inputs, tmp_path):
    _, rows = embed(
        spark, inputs, tmp_path, vectors_per="sentence", weighting="mean", remove_components=1
    )
    assert_vectors(rows, expect({key: ids for key, _, ids in SENTENCE_IDS}, "mean", 1))
    assert len(rows) == len(SENTENCE_IDS)


def test_the_space_asked_for_is_used_and_a_published_table_needs_no_registry(
    spark, inputs, tmp_path
):
    _, rows = embed(spark, inputs, tmp_path / "old", space_id="old", weighting="mean")
    assert {row["space_id"] for row in rows.values()} == {"old"}
    assert_vectors(rows, expect(DOCUMENTS, "mean", 0, matrix=MATRIX[:, ::-1]))
    published = write(spark, tmp_path, vector_rows("p", MATRIX[:2]), VECTORS, name="published")
    alone = inputs.model_copy(update={"vectors": published, "embedding_spaces": None})
    _, rows = embed(spark, alone, tmp_path / "published_words", weighting="mean")
    assert {row["space_id"] for row in rows.values()} == {"p"}
    assert_vectors(rows, expect(DOCUMENTS, "mean", 0, matrix=MATRIX[:2]))
    assert rows["d"]["is_empty"]


def test_a_part_of_the_corpus_keeps_the_weights_of_the_whole(spark, inputs, tmp_path):
    part = write(spark, tmp_path, [("d:0", "d", [2]), ("e:0", "e", [0])], SENTENCES)
    alone = inputs.model_copy(update={"sentences": part})
    _, rows = embed(spark, alone, tmp_path, weighting="idf")
    of_five = {2: math.log(6 / 4) + 1, 0: 1.0}  # `the` is in five documents: so many there are
    for key, token in (("d", 2), ("e", 0)):
        np.testing.assert_allclose(rows[key]["vector"], of_five[token] * MATRIX[token], rtol=1e-5)


def test_documents_without_any_known_token_are_flagged_all_the_same(spark, inputs, tmp_path):
    mute = write(spark, tmp_path, [("q:0", "q", [4]), ("r:0", "r", [])], SENTENCES)
    result, rows = embed(spark, inputs.model_copy(update={"sentences": mute}), tmp_path)
    assert {key: row["is_empty"] for key, row in rows.items()} == {"q": True, "r": True}
    assert result.rejected == {"no_known_token": 2}


def test_what_does_not_fit_together_is_an_error(spark, inputs, tmp_path):
    strange = write(spark, tmp_path, [(0, "xyzzy", 3, 1)], VOCABULARY, name="strange")
    with pytest.raises(InputError, match=r"no token of inputs.vocabulary \(\S+strange\) has .* s "):
        embed(spark, inputs.model_copy(update={"vocabulary": strange}), tmp_path)
    with pytest.raises(InputError, match="no space named 'words'"):
        embed(spark, inputs, tmp_path, space_name="words")
    with pytest.raises(InputError, match="mixes the spaces"):
        embed(spark, inputs.model_copy(update={"embedding_spaces": None}), tmp_path)
    for word, vector, told in (
        ("sat", [1.0], "components where"),
        ("sat", [math.nan] * 3, "not finite"),
        ("the", [1.0] * 3, "stands twice"),
    ):
        rows = [*vector_rows("s", MATRIX[:3]), ("s", "word", word, vector, 1.0)]
        broken = write(spark, tmp_path, rows, VECTORS, name="broken")
        with pytest.raises(InputError, match=told):
            embed(spark, inputs.model_copy(update={"vectors": broken}), tmp_path)
    with pytest.raises(ConfigError, match=r"remove_components: 3 of 4 vectors of 3 components"):
        embed(spark, inputs, tmp_path, remove_components=3)
    assert not (tmp_path / "document_vectors").exists()


def test_a_matrix_that_is_too_large_names_its_setting(spark, inputs, tmp_path):
    wide = [("s", "word", word, [0.5] * 70_000, 1.0) for word in WORDS]
    vectors = write(spark, tmp_path, wide, VECTORS)
    with pytest.raises(ConfigError, match=r"5 word vectors need 1.3 MiB .*max_matrix_megabytes: 1"):
        embed(
            spark, inputs.model_copy(update={"vectors": vectors}), tmp_path, max_matrix_megabytes=1
        )


@pytest.mark.slow
def test_the_command_line_ends_with_the_code_of_the_error(spark, inputs, tmp_path, capsys):
    places = {f"inputs.{name}": uri for name, uri in inputs.model_dump().items()}
    places["outputs.document_vectors"] = str(tmp_path / "document_vectors")
    sets = [f"--set={key}={value}" for key, value in places.items()]
    options = [*sets, "--log-dir", str(tmp_path / "logs")]
    assert main(["embed_documents", *options]) == 0
    assert "no_known_token" in capsys.readouterr().out
    assert main(["embed_documents", *options, "--set", "remove_components=3"]) == 2
    assert main(["embed_documents", *options, "--set", "space_name=none"]) == 3


def test_sessions_are_embedded_by_the_vectors_of_their_items(spark, inputs, tmp_path):
    items = [(n, key, count, False) for n, (key, (count, _)) in enumerate(COUNTS.items())]
    vectors = [
        ("i", "item", key, row.tolist(), 1.0) for key, row in zip(WORDS, MATRIX, strict=False)
    ]
    places = {
        "vocabulary": write(spark, tmp_path, items, ITEM_IDS),
        "vectors": write(spark, tmp_path, vectors, VECTORS),
        "embedding_spaces": None,
    }
    _, rows = embed(
        spark,
        inputs.model_copy(update=places),
        tmp_path,
        entity="item",
        weighting="idf",
        vectors_per="sentence",
    )
    held = {n: sum(n in ids for *_, ids in SENTENCE_IDS) for n in range(len(WORDS))}
    for key, _, ids in SENTENCE_IDS:
        known = [n for n in ids if n < len(MATRIX)]
        weights = [math.log((1 + len(SENTENCE_IDS)) / (1 + held[n])) + 1 for n in known]
        assert rows[key]["is_empty"] == (not known)
        if known:
            expected = np.array(weights) @ MATRIX[known].astype(np.float64) / len(known)
            np.testing.assert_allclose(rows[key]["vector"], expected, atol=2e-6, err_msg=key)
