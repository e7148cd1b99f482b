"""Configuration errors name the key, the place that set it, and the fix."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from pipelines.errors import ConfigError
from pipelines.settings import (
    JobConfig,
    Layers,
    Outputs,
    Settings,
    beside,
    build,
    parse_yaml,
    read_yaml,
)
from pipelines.storage.digests import digest


class Limits(Settings):
    min_count: int = Field(default=5, ge=1)
    """Occurrences."""
    share: float = 0.5
    """Share."""


class Places(Outputs):
    first: str
    """One."""
    second: str
    """Another."""


class Config(JobConfig):
    outputs: Places
    """Tables."""
    limits: Limits = Limits()
    """Limits."""
    mode: Literal["file", "line"] = "file"
    """Mode."""


def _build(*texts: str, assignments: tuple[str, ...] = ()) -> Config:
    layers = Layers()
    for number, text in enumerate(texts, 1):
        layers.add(parse_yaml(text, f"layer{number}.yaml"), f"layer{number}.yaml")
    return build(Config, layers.add_assignments(assignments))


OUTPUTS = "outputs: {first: data/first}\n"


def test_later_layers_win_key_by_key_and_assignments_over_all() -> None:
    config = _build(
        OUTPUTS + "limits: {min_count: 2, share: 0.1}",
        "limits: {min_count: 3}\nmode: line",
        assignments=("limits.min_count=4",),
    )
    assert (config.limits.min_count, config.limits.share, config.mode) == (4, 0.1, "line")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limitz: {}", "layer2.yaml: unknown key 'limitz'; did you mean 'limits'?"),
        ("limits: {min_cout: 3}", "unknown key 'limits.min_cout'; did you mean 'min_count'?"),
        ("limits: {zzzzz: 3}", "'limits.zzzzz'; valid here: min_count, share"),
        ("limits: {min_count: '3'}", "layer2.yaml: limits.min_count: Input should be a valid int"),
        ("limits: {min_count: 2.5}", "limits.min_count"),
        ("limits: {min_count: 0}", "greater than or equal to 1, found 0"),
        ("limits: {share: .nan}", "limits.share"),
        ("limits: {share: .inf}", "limits.share"),
        ("limits: {share: yes}", "limits.share"),
        ("mode: lines", "'file' or 'line', found 'lines'"),
        ("seed: null", "layer2.yaml: seed"),
    ],
)
def test_a_wrong_value_is_refused_with_key_and_origin(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _build(OUTPUTS, text)
    assert message in str(caught.value)
    assert "layer2.yaml" in str(caught.value)


def test_the_origin_is_the_layer_that_set_the_key_not_the_last_one() -> None:
    with pytest.raises(ConfigError, match=r"^layer1\.yaml: limits\.min_count"):
        _build(OUTPUTS + "limits: {min_count: x}", "limits: {share: 0.2}")
    with pytest.raises(ConfigError, match=r"^--set: limits\.min_count"):
        _build(OUTPUTS, assignments=("limits.min_count=x",))


def test_each_problem_has_a_line_of_its_own() -> None:
    with pytest.raises(ConfigError) as caught:
        _build(OUTPUTS, "mode: lines\nlimits: {shar: 1.0}")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1e-3", "0.001", "1.0e-3"])
def test_exponents_are_numbers(text: str) -> None:
    assert parse_yaml(f"a: {text}", "here") == {"a": 0.001}


@pytest.mark.parametrize("text", ["e3", "1e", "0x1e-3", "1e-3x", "'1e-3'"])
def test_what_only_looks_like_an_exponent_stays_text(text: str) -> None:
    assert isinstance(parse_yaml(f"a: {text}", "here")["a"], str)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "key 'a' stands twice"),
        ("b: {a: 1, a: 1}", "key 'a' stands twice, line 1"),
        ("a: [1", "not valid YAML"),
        ("a: !!python/object:os.system {}", "not valid YAML"),
    ],
)
def test_malformed_yaml_names_file_and_fault(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert str(tmp_path / "x.yaml") in str(caught.value)


def test_a_file_must_be_there_and_hold_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such configuration file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected keys and values, found list"):
        read_yaml(tmp_path / "list.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing\n", encoding="utf-8")
    assert read_yaml(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize("text", ["limits.min_count", "=3", " =3"])
def test_an_assignment_needs_key_and_value(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as key\.subkey=value"):
        Layers().add_assignments([text])


def test_an_assigned_value_may_hold_equal_signs_and_be_a_tree() -> None:
    layers = Layers().add_assignments(["a.b=x=y", "c={d: [1, 2]}", "e="])
    assert layers.tree == {"a": {"b": "x=y"}, "c": {"d": [1, 2]}, "e": None}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("data/tables/first", "data/tables/second"),
        ("first", "./second"),
        ("/data/first/", "/data/second"),
        ("s3a://bucket/tables/first", "s3a://bucket/tables/second"),
        ("main.vectors.first", "main.vectors.second"),
    ],
)
def test_outputs_that_are_not_named_lie_beside_the_one_that_is(uri: str, expected: str) -> None:
    assert beside(uri, "second") == expected
    assert _build(f"outputs: {{first: '{uri}'}}").outputs.second == expected


def test_no_output_at_all_is_refused_with_the_names() -> None:
    with pytest.raises(ConfigError, match="name at least one output of: first, second"):
        _build("outputs: {}")
    with pytest.raises(ConfigError, match=r"'outputs' is missing; add it there or with --set"):
        _build("mode: line")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _build(OUTPUTS).seed = 1


def test_the_digest_depends_on_values_not_on_their_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest("é") == "abc3932c9ec58f04"  # sha256 of the JSON text, which is ASCII
