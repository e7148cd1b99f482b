"""Planted faults through the command line: each ends with its exit code, the old table stands."""

import gzip
import json

import polars as pl
import pytest
from stored import store

from pipelines import tables
from schemas import SENTENCES, VECTORS, VOCABULARY


def test_configuration_is_2(vectormill, tmp_path):
    code, said = vectormill("clean_corpus", inputs__corpus="x", rules__word_cuont__min=3)
    assert code == 2
    assert "did you mean 'word_count'" in said


def plant_missing(folder):
    return folder / "absent", "no such file"


def plant_truncated_gzip(folder):
    whole = gzip.compress(json.dumps({"text": "some words " * 5000}).encode(), mtime=0)
    (folder / "part.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    return folder, "part.jsonl.gz"


def plant_zero_byte_parquet(folder):
    (folder / "part.parquet").touch()
    return folder, "part.parquet: is empty"


@pytest.mark.parametrize("plant", [plant_missing, plant_truncated_gzip, plant_zero_byte_parquet])
def test_broken_raw_input_is_3(vectormill, tmp_path, plant):
    (tmp_path / "raw").mkdir()
    corpus, named = plant(tmp_path / "raw")
    code, said = vectormill(
        "clean_corpus", inputs__corpus=corpus, outputs__documents=tmp_path / "documents"
    )
    assert code == 3
    assert named in said
    assert not (tmp_path / "documents").exists()


def test_a_table_of_another_schema_is_3_and_names_the_column(spark, vectormill, tmp_path):
    odd = spark.createDataFrame(
        [(1.5, "a", 1, 1)], "token_id double, token string, count bigint, n int"
    )
    odd.coalesce(1).write.parquet(str(tmp_path / "vocabulary"))
    code, said = vectormill(
        "train_word2vec",
        inputs__sentences=tmp_path / "sentences",
        inputs__vocabulary=tmp_path / "vocabulary",
        outputs__vectors=tmp_path / "vectors",
    )
    assert code == 3
    assert "sentences" in said
    store([("s", "d", [0])], SENTENCES, tmp_path / "sentences")
    code, said = vectormill(
        "train_word2vec",
        inputs__sentences=tmp_path / "sentences",
        inputs__vocabulary=tmp_path / "vocabulary",
        outputs__vectors=tmp_path / "vectors",
    )
    assert code == 3
    assert "column 'token_id' is double, not int" in said
    assert VOCABULARY.name in said


FAULTS = {
    "a NaN vector": ("new", [float("nan")] * 4, "non_finite"),
    "a wrong dimension": ("short", [1.0, 2.0], "wrong_dimension"),
    "a duplicated key": ("w1", [1.0, 0.0, 0.0, 0.0], "duplicate_keys"),
}


def test_a_failed_gate_is_4_and_the_published_table_is_still_the_old_one(
    spark, vectormill, tmp_path, stage_words
):
    places = {"inputs__vectors": tmp_path / "vectors"}
    registry = {"outputs__embedding_spaces": tmp_path / "embedding_spaces"}
    metrics = {"outputs__quality_metrics": tmp_path / "quality_metrics"}
    published = {**places, **registry, "outputs__published": tmp_path / "word_vectors"}
    stage_words("word-old")
    assert vectormill("validate_vectors", **places, **registry, **metrics)[0] == 0
    assert vectormill("publish_vectors", **published)[0] == 0
    stage_words("word-new", seed=1)
    sound = [
        tuple(r)
        for r in tables.read(spark, str(tmp_path / "vectors"), VECTORS)
        .where("space_id = 'word-new'")
        .collect()
    ]
    faulty = [("word-new", "word", key, vector, 1.0) for key, vector, _ in FAULTS.values()]
    tables.write_rows(
        spark,
        [*sound, *faulty],
        VECTORS,
        str(tmp_path / "vectors"),
        format="delta",
        part={"space_id": "word-new"},
        metadata={},
    )
    code, said = vectormill("validate_vectors", **places, **registry, **metrics)
    assert code == 4
    assert [fault for fault, (_, _, rule) in FAULTS.items() if rule not in said] == []
    code, said = vectormill("publish_vectors", **published)
    assert (code, "nothing was published" in said) == (4, True)
    assert set(pl.read_delta(str(tmp_path / "word_vectors"))["space_id"]) == {"word-old"}
