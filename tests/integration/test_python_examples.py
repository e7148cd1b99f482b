"""The examples of docs/python.md, run in their order on the frames that they make."""

import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
LONGEST = 8  # statements of an example


@pytest.fixture(scope="module")
def names(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the examples define, run from the checkout with a folder of their own."""
    defined: dict[str, Any] = {}
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for number, block in enumerate(BLOCK.findall(PAGE)):
            exec(compile(block, f"docs/python.md, example {number}", "exec"), defined)  # noqa: S102  (our own page)
            defined["work"] = str(folder)
    return defined


@pytest.mark.parametrize("example", BLOCK.findall(PAGE))
def test_an_example_has_three_to_eight_lines(example: str) -> None:
    assert 3 <= len([line for line in example.splitlines() if line.strip()]) <= LONGEST


def test_cleaning_keeps_most_pages_and_training_gives_each_token_a_vector(names: Any) -> None:
    kept, rejected = names["documents"].count(), names["rejected"].count()
    assert kept + rejected + names["cleaned"]["duplicate_documents"].count() == (
        names["pages"].count()
    )
    assert kept > 0
    assert names["words"].vectors.count() == names["vocabulary"].count() > 100
    assert len(names["words"].vectors.first()["vector"]) == 32


def test_items_are_recommended_of_a_users_own_kind(names: Any) -> None:
    rows = names["recommended"].collect()
    assert len(rows) == 40
    same = [
        int(item["key"][1:]) % 4 == int(row["user"][1:]) % 4
        for row in rows
        for item in row["items"]
    ]
    assert sum(same) > len(same) / 2  # of a user's unseen items, 4 in 37 are of their own kind


def test_the_published_table_holds_the_trained_space(names: Any) -> None:
    published = names["published"]
    assert published.select("space_id").distinct().collect()[0][0] == "words-1"
    assert names["manifest"]["space_id"] == "words-1"
    assert published.count() == names["words"].vectors.count()
