"""`validate_vectors` by Great Expectations for real: each planted fault fails by its name."""

import pytest
from stored import store

from jobs.validate_vectors import run
from pipelines import tables
from pipelines.errors import GateError
from pipelines.expectations import validation
from pipelines.spaces.config import Limits, ValidateInputs, ValidateOutputs, ValidateVectorsConfig
from pipelines.spaces.gate_outcome import require_passed
from pipelines.spaces.registry import newest_space
from schemas import EMBEDDING_SPACES, QUALITY_METRICS, VECTORS, VOCABULARY


def config(tmp_path, **changes):
    inputs = {"vectors": str(tmp_path / "vectors"), **changes.pop("inputs", {})}
    return ValidateVectorsConfig(
        inputs=ValidateInputs(**inputs),
        outputs=ValidateOutputs(
            quality_metrics=str(tmp_path / "quality_metrics"),
            embedding_spaces=str(tmp_path / "embedding_spaces"),
        ),
        **changes,
    )


def state(spark, tmp_path):
    spaces = tables.read(spark, str(tmp_path / "embedding_spaces"), EMBEDDING_SPACES)
    return newest_space(spaces, "word").state


def test_a_sound_space_passes_and_its_measures_are_kept(spark, tmp_path, stage_words):
    space_id = stage_words("word-a")
    tokens = [(n, f"w{n}", 5, 1) for n in range(30)]
    vocabulary = store(tokens, VOCABULARY, tmp_path / "vocabulary")
    result = run(spark, config(tmp_path, inputs={"vocabulary": vocabulary}))
    assert result.space_id == space_id
    assert state(spark, tmp_path) == "passed"
    metrics = tables.read(spark, str(tmp_path / "quality_metrics"), QUALITY_METRICS)
    found = {(r["metric"], r["status"]): r["value"] for r in metrics.collect()}
    assert found["coverage", "measured"] == 1.0
    assert found["vectors", "measured"] == 30
    assert not [key for key in found if key[1] in ("failed", "errored")]
    assert len([key for key in found if key[1] == "passed"]) > 20


@pytest.mark.slow  # all three at once, through the command line, are in test_exit_codes.py
@pytest.mark.parametrize(
    ("row", "name"),
    [
        (("word-a", "word", "new", [float("nan"), 0.0, 0.0, 0.0], float("nan")), "non_finite"),
        (("word-a", "word", "new", [1.0, 0.0, 0.0], 1.0), "wrong_dimension"),
        (("word-a", "word", "w3", [1.0, 0.0, 0.0, 0.0], 1.0), "duplicate_keys"),
    ],
)
def test_a_planted_fault_fails_by_its_name(spark, tmp_path, stage_words, row, name):
    stage_words("word-a")
    sound = tables.read(spark, str(tmp_path / "vectors"), VECTORS).collect()
    tables.write_rows(
        spark,
        [*(tuple(r) for r in sound), row],
        VECTORS,
        str(tmp_path / "vectors"),
        format="delta",
        part={"space_id": "word-a"},
        metadata={},
    )
    with pytest.raises(GateError, match=name) as raised:
        run(spark, config(tmp_path))
    assert "changed_since_training" in str(raised.value)
    assert state(spark, tmp_path) == "failed"
    metrics = tables.read(spark, str(tmp_path / "quality_metrics"), QUALITY_METRICS)
    assert metrics.where(f"metric like '{name}%' and status = 'failed'").count() >= 1


def test_limits_are_judged_and_a_metric_nobody_measured_fails(spark, tmp_path, stage_words):
    stage_words("word-a")
    limits = Limits(min_vectors=31, min_metrics={"evaluate_vectors.similarity": 0.5})
    with pytest.raises(GateError, match=r"vectors failed, measured 30 .*min_value=31") as raised:
        run(spark, config(tmp_path, limits=limits))
    assert "evaluate_vectors.similarity" in str(raised.value)


def test_an_expectation_that_errors_is_not_one_that_failed():
    outcomes = validation.validate_measures({"here": 1.0}, {"absent": (0.0, 1.0)})
    assert {o.status for o in outcomes} == {"errored"}
    with pytest.raises(GateError, match="absent errored"):
        require_passed("s", [("all", o) for o in outcomes])


def test_contract_rules_name_the_column_that_breaks_them(spark):
    rows = [("s", "wrod", "k", [1.0], 1.0), ("s", "word", " ", [1.0], -1.0)]
    vectors = spark.createDataFrame(rows, VECTORS.schema())
    failed = {o.measure for o in validation.validate(vectors, VECTORS) if o.status == "failed"}
    assert failed == {"entity", "key", "norm"}
