"""`publish_vectors`: one space, one commit; whatever dies, a reader sees a whole space."""

import json

import polars as pl
import pytest

from jobs.publish_vectors import run
from pipelines import tables
from pipelines.errors import ConcurrentRunError, GateError
from pipelines.spaces import publishing
from pipelines.spaces.config import PublishInputs, PublishOutputs, PublishVectorsConfig
from pipelines.spaces.registry import space_by_id
from pipelines.storage.hadoop import Files
from pipelines.storage.runs.lease import lease
from schemas import EMBEDDING_SPACES, VECTORS


def config(tmp_path, **changes):
    return PublishVectorsConfig(
        inputs=PublishInputs(vectors=str(tmp_path / "vectors")),
        outputs=PublishOutputs(
            published=str(tmp_path / "word_vectors"),
            embedding_spaces=str(tmp_path / "embedding_spaces"),
        ),
        **changes,
    )


def set_state(spark, tmp_path, space_id, state, **changes):
    uri = str(tmp_path / "embedding_spaces")
    space = space_of(spark, tmp_path, space_id).changed(state=state, **changes)
    tables.write(
        spark.createDataFrame([space.row()], EMBEDDING_SPACES.schema()).coalesce(1),
        EMBEDDING_SPACES,
        uri,
        format="delta",
        part={"space_id": space_id},
        metadata={},
    )


def space_of(spark, tmp_path, space_id):
    spaces = tables.read(spark, str(tmp_path / "embedding_spaces"), EMBEDDING_SPACES)
    return space_by_id(spaces, space_id)


def published(tmp_path):
    return set(pl.read_delta(str(tmp_path / "word_vectors"))["space_id"])


@pytest.mark.slow
def test_the_newer_space_replaces_the_older_in_one_commit(spark, tmp_path, stage_words):
    for space_id in ("word-a", "word-b"):
        stage_words(space_id, seed=ord(space_id[-1]))
        set_state(spark, tmp_path, space_id, "passed")
        assert run(spark, config(tmp_path)).space_id == space_id
        assert published(tmp_path) == {space_id}
    log = sorted((tmp_path / "word_vectors" / "_delta_log").glob("*.json"))
    assert len(log) == 2
    assert space_of(spark, tmp_path, "word-a").state == "superseded"
    assert space_of(spark, tmp_path, "word-b").state == "published"
    manifest = json.loads((tmp_path / "word_vectors.manifest.json").read_text())
    assert manifest["space_id"] == "word-b"
    assert manifest["checksum"] == space_of(spark, tmp_path, "word-b").checksum
    recorded = tables.commit(spark, str(tmp_path / "word_vectors"))["metadata"]
    assert recorded["manifest"] == manifest


@pytest.mark.slow
def test_an_older_space_is_published_again_by_its_id(spark, tmp_path, stage_words):
    for space_id in ("word-a", "word-b"):
        stage_words(space_id, seed=ord(space_id[-1]))
        set_state(spark, tmp_path, space_id, "passed")
        run(spark, config(tmp_path))
    assert run(spark, config(tmp_path)).status == "unchanged"
    run(spark, config(tmp_path, space_id="word-a"))  # rolled back
    assert published(tmp_path) == {"word-a"}
    assert space_of(spark, tmp_path, "word-b").state == "superseded"


@pytest.mark.parametrize("state", [pytest.param("staged", marks=pytest.mark.slow), "failed"])
def test_a_space_that_did_not_pass_is_not_published(spark, tmp_path, stage_words, state):
    stage_words("word-a")
    set_state(spark, tmp_path, "word-a", state)
    with pytest.raises(GateError, match=state):
        run(spark, config(tmp_path))
    assert not (tmp_path / "word_vectors").exists()


def test_vectors_changed_after_the_gate_are_refused_and_the_old_space_stays(
    spark, tmp_path, stage_words
):
    stage_words("word-a")
    set_state(spark, tmp_path, "word-a", "passed")
    run(spark, config(tmp_path))
    stage_words("word-b", seed=1)
    set_state(spark, tmp_path, "word-b", "passed", checksum="0" * 16)
    with pytest.raises(GateError, match="checksum"):
        run(spark, config(tmp_path))
    assert published(tmp_path) == {"word-a"}


@pytest.mark.parametrize("storage", ["delta", pytest.param("parquet", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "dies", ["before the commit", pytest.param("after the commit", marks=pytest.mark.slow)]
)
def test_a_run_killed_around_its_commit_is_reconciled_by_the_next(
    spark, tmp_path, stage_words, monkeypatch, dies, storage
):
    stage_words("word-a", storage="delta")
    set_state(spark, tmp_path, "word-a", "passed")
    real = tables.publish

    def killed(*args, **kwargs):
        if dies == "after the commit":
            real(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing.tables, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        run(spark, config(tmp_path, format=storage))
    assert space_of(spark, tmp_path, "word-a").state == "publishing"
    monkeypatch.setattr(publishing.tables, "publish", real)
    result = run(spark, config(tmp_path, format=storage))
    assert result.status == ("unchanged" if dies == "after the commit" else "done")
    assert space_of(spark, tmp_path, "word-a").state == "published"
    rows = tables.read(spark, str(tmp_path / "word_vectors"), VECTORS)
    assert rows.count() == 30


def test_two_runs_do_not_publish_at_once(spark, tmp_path, stage_words):
    stage_words("word-a")
    set_state(spark, tmp_path, "word-a", "passed")
    with lease(Files(spark), str(tmp_path / "word_vectors")), pytest.raises(ConcurrentRunError):
        run(spark, config(tmp_path))
    assert not (tmp_path / "word_vectors").exists()
