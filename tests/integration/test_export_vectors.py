"""`export_vectors` round trips: gensim and numpy read back exactly the published floats."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from stored import store

from jobs.export_vectors import run
from pipelines import tables
from pipelines.errors import InputError
from pipelines.serving.config import ExportOutputs, ExportVectorsConfig, PublishedInputs
from schemas import VECTORS

KEYS = ["zebra", "ärger", "one", "東京", "a.b", "two words"]


def extreme_floats():
    """Floats whose printing goes wrong first: tiny, huge, with and without an exponent."""
    drawn = np.random.default_rng(1).standard_normal((len(KEYS), 8)).astype(np.float32)
    drawn[0] = [1e-45, 3.4028235e38, -0.0, 1 / 3, 16777216, 1e-7, -1.1754944e-38, 0.1]
    return drawn


@pytest.fixture(scope="module")
def published(spark, tmp_path_factory):
    uri = str(tmp_path_factory.mktemp("published") / "word_vectors")
    rows = [
        ("s", "word", key, vector.tolist(), 1.0)
        for key, vector in zip(KEYS, extreme_floats(), strict=True)
    ]
    rows += [("s", "item", "one", [0.0] * 8, 0.0)]
    frame = spark.createDataFrame(rows, VECTORS.schema()).repartition(3)
    tables.write(frame, VECTORS, uri, format="parquet", part={}, metadata={})
    return uri


def export(spark, published, target, **settings):
    return run(
        spark,
        ExportVectorsConfig(
            inputs=PublishedInputs(vectors=published),
            outputs=ExportOutputs(export=str(target)),
            **settings,
        ),
    )


def expected():
    keys = [key.replace(" ", "_") for key in KEYS]
    order = sorted(range(len(keys)), key=lambda n: keys[n].encode())
    return [keys[n] for n in order], extreme_floats()[order]


@pytest.mark.parametrize("is_binary", [False, True])
def test_gensim_reads_back_the_same_floats(spark, published, tmp_path, is_binary):
    target = tmp_path / "new folder" / "words"
    kind = "word2vec_binary" if is_binary else "word2vec_text"
    result = export(spark, published, target, export_format=kind)
    loaded = KeyedVectors.load_word2vec_format(str(target), binary=is_binary)
    keys, matrix = expected()
    assert loaded.index_to_key == keys
    assert loaded.vectors.dtype == np.float32
    assert loaded.vectors.tobytes() == matrix.tobytes()
    assert (result.rows_out, result.measures["escaped_keys"]) == ({"export": len(KEYS)}, 1)
    assert [path.name for path in target.parent.iterdir() if "crc" not in path.name] == ["words"]


def test_numpy_reads_the_array_and_keys_keep_their_blanks(spark, published, tmp_path):
    export(spark, published, tmp_path / "npy", export_format="npy")
    export(spark, published, tmp_path / "npy", export_format="npy")  # replaces the first
    keys = (tmp_path / "npy" / "keys.txt").read_text(encoding="utf-8").splitlines()
    assert keys == sorted(KEYS, key=str.encode)
    order = [KEYS.index(key) for key in keys]
    loaded = np.load(tmp_path / "npy" / "vectors.npy")
    assert loaded.tobytes() == extreme_floats()[order].tobytes()


def test_text_is_header_and_shortest_floats(spark, tmp_path):
    rows = [("s", "word", "b", [0.1, -2.0], 1.0), ("s", "word", "a", [1e-10, 0.5], 1.0)]
    uri = store(rows, VECTORS, tmp_path / "t")
    export(spark, uri, tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_text() == "2 2\na 1e-10 0.5\nb 0.1 -2\n"


def write(spark, uri, *rows):
    return store([("s", "word", *row, 1.0) for row in rows], VECTORS, uri)


def test_what_cannot_be_written_is_refused_by_name(spark, published, tmp_path):
    target = tmp_path / "out"
    with pytest.raises(InputError, match="'two words'"):
        export(spark, published, target, bad_keys="reject")
    with pytest.raises(InputError, match="no vectors of this entity"):
        export(spark, published, target, entity="user")
    same = write(spark, tmp_path / "same", ("a b", [1.0]), ("a\u00a0b", [2.0]))
    with pytest.raises(InputError, match="become one when escaped: 'a b'"):
        export(spark, same, target)
    ragged = write(spark, tmp_path / "ragged", ("a", [1.0]), ("b", [2.0, 3.0]))
    with pytest.raises(InputError, match="1 to 2 components"):
        export(spark, ragged, target)
    assert not target.exists()
    target.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        export(spark, published, target)
    assert not list(Path(target).iterdir())
