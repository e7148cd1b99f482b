"""`recommend_items` on vectors whose products are worked out by hand."""

from datetime import UTC, datetime
from math import log

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from stored import read_rows, store

from jobs.recommend_items import run
from pipelines import tables
from pipelines.errors import InputError, from_spark
from pipelines.serving.config import RecommendInputs, RecommendItemsConfig, RecommendOutputs
from schemas import NEIGHBOURS, RECOMMENDATIONS, TABLES, VECTORS

ITEMS = {"hammer": [3.0, 0.0], "saw": [2.0, 1.0], "tulip": [0.0, 2.0], "rose": [0.0, 1.0]}
USERS = {"ann": [1.0, 0.0], "bob": [0.0, 1.0], "new": [1.0, 1.0], "full": [1.0, 2.0]}
ITEM_NUMBERS = {"hammer": 7, "saw": 2, "tulip": 5, "rose": 0, "withdrawn": 3}
USER_NUMBERS = {"ann": 1, "bob": 0, "full": 4}
SEEN = [
    ("ann", "hammer", "train"),
    ("bob", "rose", "test"),
    ("ann", "withdrawn", "train"),
    *(("full", item, "train") for item in ITEMS),
]
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def inputs(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    vectors = [
        ("s", entity, key, vector, 1.0)
        for entity, table in (("item", ITEMS), ("user", USERS))
        for key, vector in table.items()
    ]
    rows = {
        "vectors": vectors,
        "interactions": [
            (USER_NUMBERS[user], ITEM_NUMBERS[item], 1.0, 1, NOON, NOON, split)
            for user, item, split in SEEN
        ],
        "user_ids": [(number, key, 1, False) for key, number in USER_NUMBERS.items()],
        "item_ids": [(number, key, 1, False) for key, number in ITEM_NUMBERS.items()],
    }
    for name, content in rows.items():
        store(content, TABLES[name], folder / name)
    return RecommendInputs(**{name: str(folder / name) for name in rows})


LAYOUTS_AND_FORMATS = [  # each layout and each format once in `make test`
    ("packed", "delta"),
    ("blocked", "parquet"),
    pytest.param("packed", "parquet", marks=pytest.mark.slow),
    pytest.param("blocked", "delta", marks=pytest.mark.slow),
]


@pytest.fixture(params=["packed", "blocked"])
def recommend(spark, inputs, tmp_path, request):
    """Return a function that runs the job in a layout and returns its result and its lists."""

    def recommend(**settings):
        outputs = RecommendOutputs(recommendations=str(tmp_path / "recommendations"))
        settings = {"format": "parquet", "inputs": inputs, "layout": request.param} | settings
        try:
            result = run(spark, RecommendItemsConfig(outputs=outputs, **settings))
        except PySparkException as error:  # raised by a task; the command line tells it so
            raise from_spark(error) or error from None
        assert result.measures["layout"].startswith(settings["layout"])
        rows = read_rows(outputs.recommendations, RECOMMENDATIONS)
        items = {row["user"]: [(one["key"], one["score"]) for one in row["items"]] for row in rows}
        return result, items

    return recommend


@pytest.mark.parametrize(("recommend", "stored_as"), LAYOUTS_AND_FORMATS, indirect=["recommend"])
def test_unseen_items_by_product(spark, recommend, tmp_path, stored_as):
    result, items = recommend(
        k=2,
        similar_items=["rose"],
        similar_users=["ann"],
        shown=1,
        format=stored_as,
    )
    assert items == {
        "ann": [("saw", 2.0), ("rose", 0.0)],  # hammer is seen; tulip ties with rose, by key
        "bob": [("tulip", 2.0), ("saw", 1.0)],  # seen in any split is seen
        "new": [("hammer", 3.0), ("saw", 3.0)],
        "full": [],
    }
    similar = read_rows(tmp_path / "similar_entities", NEIGHBOURS)
    assert {(row["entity"], row["key"]): row["neighbours"][0]["key"] for row in similar} == {
        ("item", "rose"): "tulip",
        ("user", "ann"): "new",
    }
    assert result.space_id == "s"
    assert result.lines == ["for ann: saw, rose", "like ann: new, full", "like rose: tulip, saw"]
    assert result.rows_out == {"recommendations": 4, "similar_entities": 2}


def test_items_may_be_named_left_out_or_discounted_by_popularity(recommend):
    only = {"candidate_items": ["saw", "tulip", "nothing"], "excluded_items": ["tulip"]}
    _, items = recommend(k=3, **only)
    assert items == {
        "ann": [("saw", 2.0)],
        "bob": [("saw", 1.0)],
        "new": [("saw", 3.0)],
        "full": [],
    }
    # two users have the hammer in train, one each of the others
    _, items = recommend(k=1, users=["new"], popularity_discount=1.0)
    assert items == {"new": [("saw", 3.0)]}
    _, items = recommend(k=4, users=["ann"], exclude_seen=False, popularity_discount=10.0)
    assert items["ann"][-1] == ("hammer", pytest.approx(3.0 - 10 * log(2), rel=1e-6))
    with pytest.raises(InputError, match="no item is left"):
        recommend(candidate_items=["nothing"])


def test_retired_items_are_not_recommended(spark, recommend, inputs, tmp_path):
    rows = [(n, key, 1, key == "saw") for key, n in ITEM_NUMBERS.items()]
    place = store(rows, TABLES["item_ids"], tmp_path / "item_ids")
    changed = inputs.model_copy(update={"item_ids": place})
    _, items = recommend(inputs=changed, k=1)
    assert items["ann"] == [("rose", 0.0)]


def test_chosen_users_may_get_seen_items_and_unknown_ones_are_counted(
    spark, recommend, inputs, tmp_path
):
    result, items = recommend(k=1, users=["bob", "nobody"], exclude_seen=False, metric="cosine")
    # by cosine rose and tulip are equally near to bob: by key
    assert items == {"bob": [("rose", 1.0)]}
    assert (result.rejected, result.rows_in) == ({"unknown": 1}, {"users": 2})
    assert result.lines == ["for bob: rose", "unknown user: nobody"]


def test_what_cannot_be_answered_is_an_error(spark, recommend, inputs, tmp_path):
    with pytest.raises(InputError, match="no user of these has a vector: an; nearest to 'an': ann"):
        recommend(users=["an"])
    words = inputs.model_copy(update={"vectors": str(tmp_path / "words")})
    store([("s", "word", "a", [1.0], 1.0)], VECTORS, words.vectors)
    with pytest.raises(InputError, match="no vectors of entity 'item'"):
        recommend(inputs=words)


def test_two_spaces_are_never_ranked_together(spark, recommend, inputs, tmp_path):
    rows = [
        (space, entity, key, [1.0, 0.0], 1.0)
        for space, entity, key in (("s", "item", "saw"), ("t", "user", "ann"))
    ]
    mixed = inputs.model_copy(update={"vectors": str(tmp_path / "vectors")})
    store(rows, VECTORS, mixed.vectors)
    with pytest.raises(InputError, match="mixes the spaces s and t"):
        recommend(inputs=mixed)
    assert not (tmp_path / "recommendations").exists()


@pytest.fixture(scope="module")
def named_oddly(spark, inputs, tmp_path_factory, request):
    """Return the name of a space and the places where it is staged and published."""
    name, folder = "a b%20=1", tmp_path_factory.mktemp("odd")
    frame = tables.read(spark, inputs.vectors, VECTORS).withColumn("space_id", F.lit(name))
    staged, published, stored_as = str(folder / "s"), str(folder / "p"), request.param
    tables.write(frame, VECTORS, staged, format=stored_as, part={}, metadata={})
    tables.publish(frame, VECTORS, published, format=stored_as, space_id="s", metadata={})
    return name, (staged, published)


@pytest.mark.parametrize(("recommend", "named_oddly"), LAYOUTS_AND_FORMATS, indirect=True)
def test_vectors_may_be_staged_or_published(recommend, inputs, named_oddly):
    name, places = named_oddly  # where it is staged, names of folders alone have the name
    for place in places:
        result, items = recommend(inputs=inputs.model_copy(update={"vectors": place}), k=1)
        assert (result.space_id, items["bob"]) == (name, [("tulip", 2.0)])
