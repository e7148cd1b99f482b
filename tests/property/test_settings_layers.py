"""Layers merge like a deep dictionary update, and leave what they were given alone."""

import copy
import math
from functools import reduce
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.settings import Layers, parse_yaml
from pipelines.storage.digests import digest

KEYS = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.lists(st.integers(0, 3)))
TREES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda inner: st.dictionaries(KEYS, st.one_of(LEAVES, inner), max_size=3),
    max_leaves=8,
)


def _merged(under: Any, over: Any) -> Any:
    """Oracle: a non-empty mapping goes key by key, all else replaces."""
    if not (isinstance(over, dict) and over):
        return over
    base = under if isinstance(under, dict) else {}
    return base | {key: _merged(base.get(key), value) for key, value in over.items()}


def _paths(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted key; an empty mapping is a leaf."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found |= _paths(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


@given(st.lists(TREES, max_size=4))
@example([{"c": {}}, {"c": {"a": None}}])  # the second layer must not fill the first one's
def test_merging_is_a_deep_update_in_order(trees: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(trees)
    layers = Layers()
    for number, tree in enumerate(trees):
        layers.add(tree, f"layer {number}")
    filled = [tree for tree in before if tree]
    assert layers.tree == reduce(_merged, filled, {})
    assert trees == before, "a layer was changed by the merge"


@given(st.lists(TREES, min_size=1, max_size=4))
def test_the_origin_of_a_leaf_is_the_last_layer_that_set_it(trees: list[dict[str, Any]]) -> None:
    layers = Layers()
    for number, tree in enumerate(trees):
        layers.add(tree, f"layer {number}")
    for key, value in _paths(layers.tree).items():
        setters = [n for n, tree in enumerate(trees) if _paths(tree).get(key, layers) == value]
        number = int(layers.origin(key).removeprefix("layer "))
        assert number in setters
        assert all(key not in _paths(tree) for tree in trees[number + 1 :])


@given(TREES)
def test_assignments_rebuild_a_tree(tree: dict[str, Any]) -> None:
    texts = [f"{key}={_text(value)}" for key, value in _paths(tree).items()]
    assert Layers().add_assignments(texts).tree == tree


def _text(value: Any) -> str:
    named = {"None": "null", "True": "true", "False": "false"}
    return named.get(str(value), str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_python_prints_is_read_back(number: float) -> None:
    read = parse_yaml(f"a: {number!r}", "here")["a"]
    assert isinstance(read, float)
    assert math.isclose(read, number, rel_tol=0)


@given(TREES, TREES)
def test_equal_digests_mean_equal_values(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert (digest(left) == digest(right)) == (_in_order(left) == _in_order(right))


def _in_order(value: Any) -> str:
    """Oracle: a text of the tree that does not depend on the order of keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_in_order(value[key])}" for key in sorted(value)) + "}"
    return repr(value)
