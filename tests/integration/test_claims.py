"""Outputs replace tables and nothing else: what is refused stays as it was."""

from datetime import UTC, datetime, timedelta

import pytest
from stored import store

from jobs import build_interactions
from pipelines import tables
from pipelines.errors import ConfigError
from pipelines.interactions.config import BuildInteractionsConfig
from pipelines.sources.writing import write_lines
from pipelines.storage.hadoop import Files
from schemas import EVENTS


@pytest.fixture
def build(spark, tmp_path):
    """Return a function that builds interactions of a few events, given outputs and format."""
    day = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        (str(n), f"u{n % 3}", f"i{n % 4}", "view", None, day + timedelta(days=n), "log")
        for n in range(9)
    ]
    store(rows, EVENTS, tmp_path / "events")

    def run(outputs, **settings):
        tree = {"inputs": {"events": str(tmp_path / "events")}, "outputs": outputs} | settings
        return build_interactions.run(spark, BuildInteractionsConfig.model_validate(tree))

    return run


def content(folder):
    """Return the bytes of all files below a folder, by path."""
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("stored_as", ["delta", "parquet"])
@pytest.mark.parametrize("name", ["thesis.txt", "photos/a.jpg", "other_table/part-0.parquet"])
def test_a_folder_with_other_files_is_refused_before_any_work(build, tmp_path, name, stored_as):
    place = tmp_path / "home" / name
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    before = content(tmp_path)
    with pytest.raises(
        ConfigError, match=r"outputs.interactions: .*home: .* is no part of a table"
    ):
        build({"interactions": str(tmp_path / "home")}, format=stored_as)
    assert content(tmp_path) == before


def test_a_file_is_refused(build, tmp_path):
    (tmp_path / "mine.parquet").write_text("mine")
    with pytest.raises(ConfigError, match="this is a file"):
        build({"interactions": str(tmp_path / "mine.parquet")}, format="parquet")
    assert (tmp_path / "mine.parquet").read_text() == "mine"


def test_an_output_on_an_input_is_refused(build, tmp_path):
    before = content(tmp_path)
    with pytest.raises(ConfigError, match=r"outputs.interactions is inputs.events"):
        build({"interactions": f"{tmp_path}/events/"}, format="parquet")
    assert content(tmp_path) == before


def test_two_outputs_at_one_place_are_refused(build, tmp_path):
    same = {"user_ids": str(tmp_path / "ids"), "item_ids": f"{tmp_path}/ids/"}
    with pytest.raises(ValueError, match="user_ids and item_ids are both to be"):
        build(same)


@pytest.mark.parametrize("stored_as", ["delta", "parquet"])
def test_empty_folders_and_tables_are_replaced(spark, build, tmp_path, stored_as):
    place = tmp_path / "copy"
    place.mkdir()
    events = tables.read(spark, str(tmp_path / "events"), EVENTS)
    for rows in (9, 4):
        tables.write(events.limit(rows), EVENTS, str(place), format=stored_as, part={}, metadata={})
        assert tables.read(spark, str(place), EVENTS).count() == rows
        assert (place / "_delta_log").exists() == (stored_as == "delta")


def test_lines_replace_lines_alone(spark, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    lines = spark.createDataFrame([("{}",)], "value string")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        write_lines(Files(spark), lines, str(tmp_path / "notes"), version="1")
    for version in ("1", "2"):
        assert write_lines(Files(spark), lines, str(tmp_path / "corpus"), version=version) == 1
