"""`train_als`: planted blocks are found, layouts agree, killed fits go on, bad input is told."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row
from stored import read_rows, store

from jobs.train_als import run
from pipelines import tables
from pipelines.als import AlsSettings, FoldInSettings, fold_in_vectors, native, train_als
from pipelines.als.cells import survey
from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.layouts import fit_layout, half_sweeps, packed_fit
from pipelines.als.layouts.runs import BlockedFit
from pipelines.cluster.executors import executor_threads
from pipelines.errors import ConcurrentRunError, ConfigError, InputError, from_spark
from pipelines.training.rounds import RoundState
from schemas import INTERACTIONS, ITEM_IDS, TRAINING_HISTORY, USER_IDS, VECTORS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS, ITEMS = 12, 8


def write_pairs(spark, folder, pairs):
    """Write `(user, item, weight, split)` and the ids of both sides."""
    users, items = (max(pair[n] for pair in pairs) + 1 for n in (0, 1))
    content = {
        USER_IDS: [(n, f"u{n}", 3, False) for n in range(users)],
        ITEM_IDS: [(n, f"i{n}", 3, False) for n in range(items)],
        INTERACTIONS: [(u, i, w, 1, NOON, NOON, split) for u, i, w, split in pairs],
    }
    for table, rows in content.items():
        store(rows, table, folder / table.name)


def write_inputs(spark, folder, split, *, held_out=()):
    """Even users like even items, odd users odd ones; one pair of each user is left out."""
    pairs = [
        (u, i, 1.0, "test" if i in held_out else split)
        for u in range(USERS)
        for i in range(ITEMS)
        if u % 2 == i % 2 and i != (2 * (u // 2 % 4) + u % 2)
    ]
    write_pairs(spark, folder, pairs)


def write_random(spark, folder, *, users=40, items=60, seed=0):
    rng = np.random.default_rng(seed)
    seen = rng.random((users, items)) < 0.25
    seen[0] = True
    pairs = [
        (int(u), int(i), float(rng.integers(1, 6)), "train")
        for u, i in zip(*np.nonzero(seen), strict=True)
    ]
    write_pairs(spark, folder, pairs)


def config(folder, **changes):
    places = {"interactions": "interactions", "user_ids": "user_ids", "item_ids": "item_ids"}
    inputs = AlsInputs(
        **{name: str(folder / place) for name, place in places.items()},
        initial_vectors=changes.pop("initial_vectors", None),
    )
    settings = {"format": "parquet", "rank": 4, "max_iter": 4, "work": str(folder / "work")}
    outputs = AlsOutputs(vectors=str(folder / changes.pop("to", "") / "vectors"))
    return TrainAlsConfig(inputs=inputs, outputs=outputs, **settings | changes)


def read_vectors(folder, result):
    rows = read_rows(folder / "vectors", VECTORS)
    found = [r for r in rows if r["space_id"] == result.space_id]
    return {r["key"]: np.array(r["vector"], np.float32) for r in found}


def trained(spark, folder, **changes):
    result = run(spark, config(folder, **changes))
    return read_vectors(folder / changes.get("to", ""), result), result


def largest_difference(a, b):
    assert a.keys() == b.keys()
    return max(np.abs(a[key] - b[key]).max() for key in a)


@pytest.mark.parametrize("engine", [pytest.param("mllib", marks=pytest.mark.slow), "native"])
def test_the_left_out_item_of_the_own_block_scores_above_the_other_block(spark, tmp_path, engine):
    write_inputs(spark, tmp_path, "train")
    vectors, result = trained(
        spark, tmp_path, engine=engine, objective="hu2008", alpha=20.0, rank=2, max_iter=8
    )
    assert result.rows_out["vectors"] == USERS + ITEMS
    for user in range(USERS):
        own = [
            float(vectors[f"u{user}"] @ vectors[f"i{i}"]) for i in range(ITEMS) if i % 2 == user % 2
        ]
        other = [
            float(vectors[f"u{user}"] @ vectors[f"i{i}"]) for i in range(ITEMS) if i % 2 != user % 2
        ]
        assert min(own) > max(other)


def test_held_out_pairs_are_not_seen(spark, tmp_path):
    write_inputs(spark, tmp_path, "train", held_out={0})
    run(spark, config(tmp_path))
    rows = read_rows(tmp_path / "vectors", VECTORS)
    assert {r["key"] for r in rows if r["entity"] == "item"} == {f"i{n}" for n in range(1, ITEMS)}


@pytest.mark.parametrize(
    ("blocks", "settings"),
    [
        (5, {}),
        (3, {"max_iter": 9, "early_stopping": 0.9}),  # no sweep takes that much off the loss
        *(
            pytest.param(n, {"solver": "dual"} | more, marks=pytest.mark.slow)
            for n, more in (
                (1, {}),
                (4, {}),
                (16, {}),
                (4, {"objective": "hu2008"}),
                (4, {"objective": "explicit"}),
                (4, {"is_nonnegative": True}),
            )
        ),
    ],
)
def test_layouts_and_blocks_agree_and_the_loss_falls(
    spark, tmp_path, monkeypatch, blocks, settings
):
    monkeypatch.setattr(survey, "_LEAST_LONG_ROW", 30)  # user 0 has 60 items: solved from pieces
    write_random(spark, tmp_path)
    settings = {"max_iter": 2} | settings
    whole, result = trained(spark, tmp_path, layout="packed", to="a", **settings)
    rows = read_rows(tmp_path / "a" / "training_history", TRAINING_HISTORY)
    losses = [r["value"] for r in sorted(rows, key=lambda r: r["round"]) if r["metric"] == "loss"]
    assert len(losses) == 2
    assert losses == sorted(losses, reverse=True)
    assert result.measures["loss"] == losses[-1]
    other, again = trained(spark, tmp_path, layout="blocked", num_blocks=blocks, to="b", **settings)
    assert again.measures["iterations"] == result.measures["iterations"] == 2
    assert largest_difference(whole, other) < 1e-4
    assert again.measures["loss"] == pytest.approx(losses[-1], rel=1e-5)


@pytest.mark.parametrize(
    "objective",
    [pytest.param("explicit", marks=pytest.mark.slow), "ials"],
)
def test_tasks_that_hold_only_the_rows_they_need_agree(spark, tmp_path, monkeypatch, objective):
    monkeypatch.setattr(survey, "_LEAST_LONG_ROW", 30)
    write_random(spark, tmp_path)
    settings = {"layout": "blocked", "objective": objective, "num_blocks": 12, "max_iter": 2}
    whole, _ = trained(spark, tmp_path, to="a", **settings)
    half = BlockedFit.half

    def partial(self, number):
        self.held = 39  # of 60 items and 40 users: some blocks share what they need, some do not
        return half(self, number)

    monkeypatch.setattr(BlockedFit, "half", partial)
    some, _ = trained(spark, tmp_path, to="b", **settings)
    assert largest_difference(whole, some) < 1e-5


@pytest.mark.parametrize(
    ("layout", "at", "again"),
    [
        ("packed", "round=3", ["round=3"]),
        pytest.param("blocked", "round=3", ["round=3", "round=4"], marks=pytest.mark.slow),
        ("blocked", "history-4", []),
    ],
)
def test_a_killed_fit_goes_on_to_the_same_factors(spark, tmp_path, monkeypatch, layout, at, again):
    """Killed before a version counts, or is measured; `auto` has another choice when it goes on.

    Four versions are the whole fit: of four sweeps packed, of two blocked. What is written again is
    the version that did not count yet, and what comes after it.
    """
    write_random(spark, tmp_path)
    settings = {"max_iter": 4 if layout == "packed" else 2}
    wanted, first = trained(spark, tmp_path, layout=layout, to="a", **settings)
    note, write, kept = RoundState.note, RoundState.write_by_tasks, []

    def dying(self, name, *content):
        if name == at:
            raise KeyboardInterrupt
        note(self, name, *content)

    def counting(self, name, *given, **settings):
        kept.append(name)
        write(self, name, *given, **settings)

    memory = {"packed": 8, "blocked": 0.5}
    task = packed_fit.fit_task
    with monkeypatch.context() as patch:
        patch.setattr(fit_layout, "executor_memory", lambda _: int(memory[layout] * 2**30))
        patch.setattr(packed_fit, "fit_task", lambda *given: task(*given, seconds=0.0))
        patch.setattr(RoundState, "note", dying)
        patch.setattr(RoundState, "write_by_tasks", counting)
        with pytest.raises(KeyboardInterrupt):
            trained(spark, tmp_path, to="b", **settings)
    assert kept[-1] == ("round=3" if at == "round=3" else "round=4")
    kept.clear()
    other = memory["blocked" if layout == "packed" else "packed"]
    monkeypatch.setattr(fit_layout, "executor_memory", lambda _: int(other * 2**30))
    monkeypatch.setattr(RoundState, "write_by_tasks", counting)
    resumed, second = trained(spark, tmp_path, to="b", **settings)
    assert kept == again
    assert second.measures["layout"] == f"{layout}: as it began"
    assert second.measures["iterations"] == first.measures["iterations"]
    assert largest_difference(wanted, resumed) == 0


@pytest.mark.slow
def test_a_later_fit_begins_from_an_earlier_space(spark, tmp_path):
    write_random(spark, tmp_path)
    settings = {"max_iter": 12, "solver": "dual", "num_blocks": 3}
    _, first = trained(spark, tmp_path, to="a", **settings)
    rows = read_rows(tmp_path / "a" / "training_history", TRAINING_HISTORY)
    (cold,) = [r["value"] for r in rows if (r["round"], r["metric"]) == (1, "loss")]
    warm = settings | {"max_iter": 1, "initial_vectors": str(tmp_path / "a" / "vectors")}
    _, second = trained(spark, tmp_path, to="b", layout="blocked", **warm)
    _, packed_again = trained(spark, tmp_path, to="c", **warm)
    assert second.measures["loss"] <= first.measures["loss"] * (1 + 1e-6)
    assert packed_again.measures["loss"] == pytest.approx(second.measures["loss"], rel=1e-6)
    assert cold > 1.02 * first.measures["loss"]


def test_ratings_are_predicted_by_inner_products_of_vectors_with_biases(spark, tmp_path):
    """Items differ in how they are liked, users in how they rate: biases alone tell the ratings."""
    is_kept = np.random.default_rng(1).random((30, 20)) < 0.6
    pairs = [
        (u, i, 3.0 + u % 3 - 1 + (i % 5) / 4, "train")
        for u, i in zip(*(axis.tolist() for axis in np.nonzero(is_kept)), strict=True)
    ]
    write_pairs(spark, tmp_path, pairs)
    vectors, result = trained(
        spark, tmp_path, objective="explicit", rank=1, reg_param=2e-3, max_iter=20
    )
    mean = result.measures["mean"]
    assert mean == pytest.approx(np.mean([p[2] for p in pairs]), rel=1e-6)
    assert {v.size for v in vectors.values()} == {3}  # factors, bias, and 1
    for u in range(30):
        for i in range(20):
            predicted = float(vectors[f"u{u}"] @ vectors[f"i{i}"]) + mean
            assert predicted == pytest.approx(3.0 + u % 3 - 1 + (i % 5) / 4, abs=0.1)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0, 0, -1.0, "train"), (0, 1, 1.0, "train")], "such as -1.0 of user_id 0, item_id 0"),
        ([(0, 0, float("nan"), "train"), (1, 1, 1.0, "train")], "1 weights cannot be used"),
        ([(0, 0, float("inf"), "train"), (1, 1, 1.0, "train")], "1 weights cannot be used"),
        ([(3, 2, 1.0, "train"), (3, 2, 2.0, "train")], "such as user_id 3, item_id 2"),
        ([(0, 0, 0.0, "train"), (1, 1, 0.0, "train")], "no pair of the split 'train'"),
        ([(0, 0, 1.0, "test")], "no pair of the split 'train'"),
    ],
)
def test_bad_interactions_are_told(spark, tmp_path, pairs, message):
    write_pairs(spark, tmp_path, pairs)
    with pytest.raises(InputError, match=message):
        run(spark, config(tmp_path))


def test_no_training_pair_is_an_input_error_of_mllib_too(spark, tmp_path):
    write_inputs(spark, tmp_path, "test")
    with pytest.raises(InputError, match="train"):
        run(spark, config(tmp_path, engine="mllib", objective="hu2008"))


def test_rows_without_weight_have_no_vector_and_ranks_above_the_items_are_solved(spark, tmp_path):
    write_pairs(spark, tmp_path, [(0, 0, 1.0, "train"), (2, 1, 2.0, "train"), (1, 1, 0.0, "train")])
    vectors, _ = trained(spark, tmp_path, rank=8, max_iter=2)
    assert set(vectors) == {"u0", "u2", "i0", "i1"}
    assert all(np.isfinite(v).all() and v.any() for v in vectors.values())


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (11, "user_id 11 is not in inputs.user_ids, which ends at 10"),
        (5, "id 5 of inputs.interactions is not in user_ids"),  # found when vectors get their keys
    ],
)
def test_an_id_that_is_not_in_the_ids_is_named(spark, tmp_path, missing, told):
    write_inputs(spark, tmp_path, "train")
    known = [(n, f"u{n}", 3, False) for n in range(USERS) if n != missing]
    store(known, USER_IDS, tmp_path / "user_ids")
    with pytest.raises((InputError, PySparkException)) as caught:
        run(spark, config(tmp_path))
    error = caught.value if missing == 11 else from_spark(caught.value)
    assert isinstance(error, InputError)
    assert told in str(error)


@pytest.mark.parametrize(
    ("engine", "pair", "told"),
    [
        ("native", (None, 0), "1 rows without a user_id"),
        ("native", (0, -1), "1 rows without a user_id"),
        ("native", (2_000_000_000, 0), "user_id 2,000,000,000 among 37 pairs; ids must be dense"),
        ("mllib", (0, None), "1 rows without a user_id"),
    ],
)
def test_ids_that_no_dictionary_gives_are_told(spark, tmp_path, pair, told, engine):
    """Tables that others wrote: what Spark reads as null, or memory for two billion users."""
    write_inputs(spark, tmp_path, "train")
    place = tmp_path / "interactions"
    rows = [tuple(row.values()) for row in read_rows(place, INTERACTIONS)]
    store([*rows, (*pair, *rows[0][2:])], INTERACTIONS, place)
    with pytest.raises(InputError, match=re.escape(told)):
        run(spark, config(tmp_path, engine=engine, objective="hu2008"))


def test_a_second_run_of_the_same_fit_is_refused_while_the_first_lives(
    spark, tmp_path, monkeypatch
):
    write_inputs(spark, tmp_path, "train")
    train = native.train

    def meanwhile(*given):
        monkeypatch.setattr(native, "train", train)
        with pytest.raises(ConcurrentRunError, match="is at work on it"):
            run(spark, config(tmp_path))
        return train(*given)

    monkeypatch.setattr(native, "train", meanwhile)
    assert run(spark, config(tmp_path)).status == "done"
    assert run(spark, config(tmp_path)).status == "unchanged"


def test_a_fit_from_the_table_that_it_writes_to_is_not_made_again(spark, tmp_path):
    write_inputs(spark, tmp_path, "train")
    first = run(spark, config(tmp_path, max_iter=1)).space_id
    again = {"initial_vectors": str(tmp_path / "vectors"), "initial_space_id": first}
    warm = [run(spark, config(tmp_path, **again)) for _ in range(2)]
    assert [each.status for each in warm] == ["done", "unchanged"]
    assert warm[0].space_id == warm[1].space_id != first


@pytest.mark.slow
def test_initial_vectors_of_another_rank_are_refused(spark, tmp_path):
    write_inputs(spark, tmp_path, "train")
    run(spark, config(tmp_path, to="a"))
    with pytest.raises(InputError, match="set rank"):
        run(
            spark, config(tmp_path, rank=5, to="b", initial_vectors=str(tmp_path / "a" / "vectors"))
        )


def test_a_split_to_rank_without_pairs_is_told(spark, tmp_path):
    write_inputs(spark, tmp_path, "train")
    with pytest.raises(InputError, match="no pair of the split 'valid' to rank"):
        run(spark, config(tmp_path, evaluation_split="valid"))


def test_what_mllib_does_not_have_is_refused():
    with pytest.raises((ConfigError, ValueError), match="evaluation_split need engine: native"):
        TrainAlsConfig(
            engine="mllib",
            objective="hu2008",
            evaluation_split="valid",
            inputs=AlsInputs(interactions="a", user_ids="b", item_ids="c"),
            outputs=AlsOutputs(vectors="d"),
        )
    with pytest.raises((ConfigError, ValueError), match="ials needs engine: native"):
        TrainAlsConfig(
            engine="mllib",
            inputs=AlsInputs(interactions="a", user_ids="b", item_ids="c"),
            outputs=AlsOutputs(vectors="d"),
        )


@pytest.mark.slow
def test_the_longest_rows_are_cut_into_pieces(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "_LEAST_LONG_ROW", 30)
    write_random(spark, tmp_path)
    seen = []
    task = half_sweeps.partial_task
    monkeypatch.setattr(
        half_sweeps,
        "partial_task",
        lambda half: (seen.append((half.side, half.pieces)), task(half))[1],
    )
    run(spark, config(tmp_path, layout="blocked", num_blocks=5, max_iter=1))
    assert dict(seen)["users"] == ((0, 0, 0, 41), (0, 0, 41, 60))


def test_auto_is_packed_where_an_executor_has_room_and_says_why(spark, tmp_path, monkeypatch):
    found = InteractionsSurvey(4_000_000, 60_000, 15_000, 3.0, 16, 99_999)
    cores = executor_threads(spark)
    cases = (
        (8, "packed", 60_000, cores),
        (0.6, "blocked", 60_000, 1),
        (0.54, "blocked", 60_000, cores),  # once, not once a core
        (0.52, "blocked", 41_239, cores),
        (0.5, "blocked", 16_384, cores),
    )
    for gigabytes, layout, held, threads in cases:
        monkeypatch.setattr(
            fit_layout, "executor_memory", lambda _, size=gigabytes: int(size * 2**30)
        )
        choice = fit_layout.choose_layout(spark, config(tmp_path), found, 64)
        assert (choice.layout, choice.held, choice.threads) == (layout, held, threads)
        assert f"an executor's {gigabytes:.1f} GiB" in choice.why


def test_blocks_of_many_ids_stay_below_what_arrow_holds(tmp_path):
    """Ten million pairs of a hundred million ids: 40 blocks by pairs would be 2.6 GB each."""
    found = Row(user=99_999_999, item=9, pairs=10_000_000)
    least = -(-100_000_000 * 258 * 4 // 2**30)
    assert survey._blocks(found, config(tmp_path, rank=256)) == least > 40
    few = Row(user=9_999, item=9, pairs=10_000_000)
    assert survey._blocks(few, config(tmp_path, rank=256)) == 40
    assert survey._blocks(found, config(tmp_path, rank=256, num_blocks=least)) == least
    with pytest.raises(ConfigError, match=f"give at least {least}"):
        survey._blocks(found, config(tmp_path, rank=256, num_blocks=least - 1))


def test_frames_are_trained_on_and_folded_into_in_one_call_each(spark, tmp_path):
    """As the job does, and each training user's vector is what is folded in for it."""
    write_random(spark, tmp_path)
    frames = [
        tables.read(spark, str(tmp_path / table.name), table)
        for table in (INTERACTIONS, USER_IDS, ITEM_IDS)
    ]
    settings = AlsSettings(rank=4, max_iter=2, solver="dual", objective="explicit")
    work = str(tmp_path / "fit")
    result = train_als(*frames, settings, work=work)
    rows = result.vectors.collect()
    found = {r["key"]: np.array(r["vector"], np.float32) for r in rows}
    wanted, _ = trained(spark, tmp_path, max_iter=2, solver="dual", objective="explicit")
    assert largest_difference(found, wanted) == 0
    assert [name for _, name, _ in result.history].count("loss") == 2
    new = fold_in_vectors(
        result.vectors,
        *frames,
        settings,
        FoldInSettings(only_new=False),
        mean=result.measures["mean"],
    )
    assert new.columns == ["entity", "key", "vector", "norm"]
    folded = {r["key"]: np.array(r["vector"], np.float32) for r in new.collect()}
    assert largest_difference(folded, {k: v for k, v in found.items() if k[0] == "u"}) < 1e-4
    with pytest.raises(ConfigError, match="holds a run of other settings"):
        train_als(*frames, AlsSettings(rank=5), work=work)


def test_initial_vectors_need_the_native_engine(spark, tmp_path):
    frame = spark.range(1)
    settings = AlsSettings(engine="mllib", objective="hu2008")
    work = str(tmp_path / "fit")
    with pytest.raises(ConfigError, match="need engine: native"):
        train_als(frame, frame, frame, settings, work=work, initial_vectors=frame)
