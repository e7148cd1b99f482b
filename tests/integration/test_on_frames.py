"""What a notebook calls: each stage's public functions on frames, without configuration."""

from datetime import UTC, datetime

import pytest

from pipelines import document_vectors, serving, spaces, tables
from pipelines.errors import GateError, InputError
from schemas import INTERACTIONS, ITEM_IDS, SENTENCES, USER_IDS, VECTORS, VOCABULARY

WORDS = {"cat": [1.0, 0.0], "dog": [0.9, 0.1], "sun": [0.0, 1.0]}
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def vectors(spark, entity, table, space_id="s"):
    rows = [(space_id, entity, key, vector, 1.0) for key, vector in table.items()]
    return spark.createDataFrame(rows, VECTORS.schema())


def test_neighbours_are_found_and_vectors_exported(spark, tmp_path):
    words = vectors(spark, "word", WORDS)
    rows = serving.find_neighbours(words, ["cat"], serving.NeighboursSettings(k=1)).collect()
    assert [(row["key"], row["neighbours"][0]["key"]) for row in rows] == [("cat", "dog")]
    assert serving.export_vectors(words, str(tmp_path / "words.txt")) == 3
    assert (tmp_path / "words.txt").read_text().splitlines()[:2] == ["3 2", "cat 1 0"]
    mixed = words.unionByName(vectors(spark, "word", WORDS, "t"))
    with pytest.raises(InputError, match="mixes the spaces s and t"):
        serving.find_neighbours(mixed, ["cat"])


def test_items_are_recommended(spark):
    both = vectors(spark, "item", {"saw": [2.0], "rose": [1.0]}).unionByName(
        vectors(spark, "user", {"ann": [1.0]})
    )
    seen = spark.createDataFrame([(0, 1, 1.0, 1, NOON, NOON, "train")], INTERACTIONS.schema())
    users = spark.createDataFrame([(0, "ann", 1, False)], USER_IDS.schema())
    items = [(0, "rose", 1, False), (1, "saw", 1, False)]
    items = spark.createDataFrame(items, ITEM_IDS.schema())
    settings = serving.RecommendSettings(k=2)
    rows = serving.recommend_items(both, seen, users, items, settings).collect()
    assert [(row["user"], row["items"][0]["key"]) for row in rows] == [("ann", "rose")]


def test_documents_are_embedded(spark):
    sentences = spark.createDataFrame([("a:0", "a", [0, 2]), ("b:0", "b", [1])], SENTENCES.schema())
    counts = [(n, word, 5, 1) for n, word in enumerate(WORDS)]
    vocabulary = spark.createDataFrame(counts, VOCABULARY.schema())
    settings = document_vectors.DocumentsSettings(weighting="mean")
    words = vectors(spark, "word", WORDS)
    rows = document_vectors.embed_documents(sentences, vocabulary, words, settings).collect()
    assert {row["doc_id"]: row["vector"] for row in rows} == {
        "a": [0.5, 0.5],
        "b": pytest.approx(WORDS["dog"]),
    }


def test_vectors_are_published_once_they_pass(spark, tmp_path):
    uri, limits = str(tmp_path / "words"), spaces.Limits(max_mean_cosine=None)
    words = vectors(spark, "word", WORDS).drop("space_id", "norm")
    manifest = spaces.publish_vectors(words, uri, space_id="one", limits=limits)
    assert (manifest["space_id"], manifest["row_count"]) == ("one", 3)
    assert (tmp_path / "words.manifest.json").is_file()
    assert spaces.publish_vectors(words, uri, space_id="one", limits=limits) == manifest
    with pytest.raises(InputError, match="holds other vectors of space one"):
        spaces.publish_vectors(words.limit(2), uri, space_id="one", limits=limits)
    twice = words.unionByName(words)
    with pytest.raises(GateError, match="duplicate_keys"):
        spaces.publish_vectors(twice, uri, space_id="two", limits=limits)
    published = tables.read(spark, uri, VECTORS)
    assert {(row["space_id"], row["key"]) for row in published.collect()} == {
        ("one", word) for word in WORDS
    }
    assert spaces.check_vectors(published, limits)["word"]["vectors"] == 3
