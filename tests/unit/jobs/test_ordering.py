"""The order of steps: expected orders are written by hand, or follow from the tables' numbers."""

import re
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cli.ordering import Part, StepTables, normalised, order, tables_of, waits_of
from pipelines.als.config import TrainAlsConfig
from pipelines.errors import ConfigError
from pipelines.serving.config import FindNeighboursConfig
from pipelines.settings import read_yaml
from pipelines.spaces.config import PublishVectorsConfig, ValidateVectorsConfig


def step(name: str, reads: str = "", writes: str = "", after: str = "") -> StepTables:
    """Return a step from words: `vectors:word` is the space `word` of `vectors`."""
    return StepTables(name, tuple(after.split()), _parts(reads), _parts(writes))


def _parts(words: str) -> frozenset[Part]:
    split = (word.partition(":") for word in words.split())
    return frozenset(Part(place, space or None) for place, _, space in split)


def ordered(*steps: StepTables) -> str:
    return " ".join(order(waits_of(steps)))


CHAIN = [step("a", "", "x"), step("b", "x", "y"), step("c", "x y", "z"), step("d", "z", "")]


@pytest.mark.parametrize("steps", list(permutations(CHAIN)))
def test_a_reader_follows_the_one_writer_wherever_it_stands(steps: tuple[StepTables, ...]) -> None:
    assert ordered(*steps) == "a b c d"


def test_steps_that_share_nothing_keep_the_order_of_the_file() -> None:
    assert ordered(step("b", "", "y"), step("a", "", "x"), step("c", "", "z")) == "b a c"
    assert ordered(step("late", "x"), step("b", "", "y"), step("a", "", "x")) == "b a late"


@st.composite
def pipelines(draw: st.DrawFn) -> list[StepTables]:
    """Draw steps of which each writes a table of its own and reads some of those before."""
    count = draw(st.integers(1, 9))
    steps = []
    for n in range(count):
        reads = draw(st.sets(st.integers(0, n - 1))) if n else set()
        steps.append(step(f"s{n}", " ".join(f"t{m}" for m in reads), f"t{n}"))
    return draw(st.permutations(steps))


@given(pipelines())
def test_any_permutation_of_steps_with_one_writer_a_table_has_a_valid_order(
    steps: list[StepTables],
) -> None:
    names = order(waits_of(steps))
    assert sorted(names) == sorted(s.name for s in steps)
    written: set[str] = set()
    by_name = {s.name: s for s in steps}
    for name in names:
        assert {part.place for part in by_name[name].reads} <= written
        written |= {part.place for part in by_name[name].writes}


def test_several_writers_and_their_readers_keep_the_order_of_the_file() -> None:
    steps = (step("b", "", "x"), step("early", "x"), step("a", "x", "x"), step("late", "x"))
    waits = waits_of(steps)
    assert {name: set(waits[name]) for name in waits} == {
        "b": set(),
        "early": {"b"},
        "a": {"b", "early"},
        "late": {"b", "a"},
    }


def test_a_reader_before_all_writers_waits_for_all_of_them() -> None:
    assert ordered(step("report", "x"), step("b", "", "x"), step("a", "", "x")) == "b a report"


def test_steps_of_different_spaces_do_not_wait_for_each_other() -> None:
    waits = waits_of(
        [
            step("words", "", "vectors:word"),
            step("items", "", "vectors:item"),
            step("check_items", "vectors:item", "metrics:item"),
            step("check_words", "vectors:word", "metrics:word"),
            step("report", "vectors metrics"),
        ]
    )
    assert {name: sorted(waits[name]) for name in waits} == {
        "words": [],
        "items": [],
        "check_items": ["items"],
        "check_words": ["words"],
        "report": ["check_items", "check_words", "items", "words"],
    }


def test_a_writer_of_the_whole_table_has_an_order_with_the_writers_of_its_spaces() -> None:
    waits = waits_of(
        [step("w", "", "v:word"), step("all", "", "v"), step("i", "", "v:item"), step("r", "v:x")]
    )
    assert {name: sorted(waits[name]) for name in waits} == {
        "w": [],
        "all": ["w"],
        "i": ["all", "w"],
        "r": ["all", "i", "w"],
    }


def test_after_adds_to_the_tables_and_wins_where_it_says_the_opposite() -> None:
    assert ordered(step("b", after="a"), step("a")) == "a b"
    loop = [step("train", "published", "staged"), step("publish", "staged", "published")]
    with pytest.raises(ConfigError):
        ordered(*loop)
    assert ordered(loop[0], step("publish", "staged", "published", after="train")) == (
        "train publish"
    )
    # through a step between them, too
    middle = [step("middle", after="train"), step("publish", "staged", "published", "middle")]
    assert ordered(middle[1], middle[0], loop[0]) == "train middle publish"


def test_a_circle_names_its_steps_and_tables() -> None:
    with pytest.raises(ConfigError) as raised:
        ordered(step("a", "/t/y", "/t/x"), step("b", "/t/x"), step("c", "/t/x", "/t/y"))
    told = str(raised.value)
    assert re.match(r"steps wait for each other: (a → c → a|c → a → c); ", told)
    assert "a waits for c: /t/y" in told
    assert "c waits for a: /t/x" in told
    with pytest.raises(ConfigError, match="b waits for a: after"):
        ordered(step("a", after="b"), step("b", after="a"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/r/t", "/r/t/"),
        ("/r/t", "file:///r/t"),
        ("/r/t", "file:/r/t/"),
        ("/r/t", "/r/./x/../t"),
        ("build/t", "./build/t/"),
        ("build/t", str(Path.cwd() / "build" / "t")),
        ("s3a://bucket/t", "s3a://bucket/t/"),
        ("lake.tables.events", "lake.Tables.EVENTS"),
    ],
)
def test_a_place_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_different_places_stay_apart() -> None:
    places = ["/r/t", "/r/T", "s3a://r/t", "hdfs://r/t", "r/t", "r.s.t", "s3a://r/t//u"]
    assert len({normalised(place) for place in places}) == len(places)
    assert Path(normalised("r/t")).is_absolute()


def _base(job: str) -> dict[str, object]:
    return read_yaml(Path(__file__).resolve().parents[3] / "conf" / "base" / f"{job}.yaml")


def _used(parts: frozenset[Part]) -> set[tuple[str, str | None]]:
    return {(Path(part.place).name, part.space) for part in parts}


def test_what_a_step_uses_follows_from_its_settings() -> None:
    trains = tables_of("t", [], TrainAlsConfig.model_validate(_base("train_als")))
    assert _used(trains.reads) == {(n, None) for n in ("interactions", "user_ids", "item_ids")}
    assert _used(trains.writes) == {
        (n, "recommender") for n in ("vectors", "training_history", "embedding_spaces")
    }
    validates = tables_of("v", [], ValidateVectorsConfig.model_validate(_base("validate_vectors")))
    assert _used(validates.reads) == {("vectors", "word")}
    assert _used(validates.writes) == {("quality_metrics", "word"), ("embedding_spaces", "word")}
    finds = tables_of("f", ["v"], FindNeighboursConfig.model_validate(_base("find_neighbours")))
    assert (finds.name, finds.after) == ("f", ("v",))
    assert _used(finds.reads) == {("word_vectors", None)}, "published: one space"
    assert _used(finds.writes) == {("neighbours", None)}, "run_counts makes no order"


def test_a_space_chosen_by_its_id_is_one_of_its_name() -> None:
    base = _base("publish_vectors") | {"space_name": "word", "space_id": "item-0a1b"}
    publishes = tables_of("p", [], PublishVectorsConfig.model_validate(base))
    assert _used(publishes.reads) == {("vectors", "item")}
    assert _used(publishes.writes) == {
        ("word_vectors", None),
        ("embedding_spaces", "item"),
        ("quality_metrics", "item"),
    }
