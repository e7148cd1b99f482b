"""Configuration: strict models, YAML layers, and errors that name the key, the file and the fix."""

import difflib
import json
import re
import string
from collections.abc import Iterable, Mapping
from copy import deepcopy
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import ConfigError
from schemas.table import is_catalog_name

Tree = dict[str, Any]
_LONGEST_VALUE = 60  # characters of a value that an error shows


class Settings(BaseModel):
    """Base of every configuration model: frozen, strict, no unknown keys, no NaN."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=False,
    )


class Outputs(Settings):
    """Tables a job writes. One must be set; the others lie beside it by default."""

    @model_validator(mode="before")
    @classmethod
    def _fill_siblings(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        named = next((uri for uri in given.values() if isinstance(uri, str) and uri), None)
        if named is None:
            names = ", ".join(cls.model_fields)
            raise ValueError(f"name at least one output of: {names}")
        missing = [name for name in cls.model_fields if given.get(name) is None]
        return {**given, **{name: beside(named, name) for name in missing}}

    @model_validator(mode="after")
    def _lie_apart(self) -> Self:
        at = dict[str, str]()
        for name, uri in self:
            other = at.setdefault(str(uri).rstrip("/"), name)
            if other != name:
                raise ValueError(f"{other} and {name} are both to be {uri}; each needs its own")
        return self


class StageSettings(Settings):
    """Base of the settings of a stage; they contain no tables and no folders."""

    seed: int = Field(default=42, ge=0, lt=1 << 62)
    """Seed of every random choice of the job."""


class JobConfig(StageSettings):
    """Base of a job's configuration: the settings of its stage, with tables and their format."""

    format: Literal["delta", "parquet"] = "delta"
    """Storage format of new tables; an existing table keeps its own."""


class GatedJobConfig(JobConfig):
    """Base of the settings of a job that refuses to replace tables by empty ones."""

    allow_empty: bool = False
    """Whether a run that keeps nothing replaces the tables; else it fails and they stay."""


def beside(uri: str, name: str) -> str:
    """Return the URI of a table beside another one, in the same folder or catalog schema."""
    if is_catalog_name(uri):
        return f"{uri.rpartition('.')[0]}.{name}"
    return f"{uri.rstrip('/').rpartition('/')[0] or '.'}/{name}"


class _Loader(yaml.SafeLoader):
    """YAML that reads 1e-3 as a number and refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"key {twice!r} stands twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str, origin: str) -> Any:
    """Parse one YAML document; raise ConfigError with the place where it is malformed."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not valid YAML: {error}") from error


def read_yaml(path: Path | Traversable) -> Tree:
    """Read a YAML file that holds a mapping; an empty file is an empty mapping.

    Raises:
        ConfigError: The file is missing, malformed, or not a mapping.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such configuration file")
    tree = parse_yaml(path.read_text(encoding="utf-8"), str(path)) or {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(tree).__name__}")
    return tree


def substitute(value: Any, parameters: dict[str, str]) -> Any:
    """Replace `${name}` in every text of a tree."""
    if isinstance(value, dict):
        return {key: substitute(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, parameters) for item in value]
    if not isinstance(value, str):
        return value
    try:
        return string.Template(value).substitute(parameters)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"{value!r}: unknown parameter {error}; there are {', '.join(parameters) or 'none'}"
        ) from error


def conf_folder() -> Traversable:
    """Return the configuration that ships with vectormill: in the package, else the checkout."""
    packaged = files("jobs").joinpath("conf")
    if packaged.joinpath("base").is_dir():
        return packaged
    return Path(str(files("jobs"))).parent / "conf"


class Layers:
    """Configuration layers merged in order, with the layer that set each key."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self._origins: dict[str, str] = {}

    def add(self, tree: Mapping[str, Any], origin: str) -> Self:
        """Merge a layer over the earlier ones: mappings key by key, other values whole."""
        self._merge(self.tree, tree, origin, "")
        return self

    def add_assignments(self, assignments: Iterable[str], origin: str = "--set") -> Self:
        """Merge `a.b=value` texts, the value read as YAML."""
        for text in assignments:
            key, sign, value = text.partition("=")
            if not sign or not key.strip():
                raise ConfigError(f"{origin} {text}: write it as key.subkey=value")
            layer: Any = parse_yaml(value, f"{origin} {text}")
            for part in reversed(key.strip().split(".")):
                layer = {part: layer}
            self.add(layer, origin)
        return self

    def origin(self, key: str) -> str:
        """Name the layer that set a dotted key, or the nearest enclosing one."""
        while key and key not in self._origins:
            key = key.rpartition(".")[0]
        return self._origins.get(key, "the defaults")

    def _merge(self, into: Tree, layer: Mapping[str, Any], origin: str, prefix: str) -> None:
        for name, value in layer.items():
            key = f"{prefix}{name}"
            self._origins[key] = origin
            if isinstance(value, Mapping) and value:
                if not isinstance(into.get(name), dict):
                    into[name] = {}
                self._merge(into[name], value, origin, f"{key}.")
            else:
                into[name] = deepcopy(value)


SettingsModel = TypeVar("SettingsModel", bound=Settings)


def build(model: type[SettingsModel], layers: Layers) -> SettingsModel:
    """Validate merged layers as a model.

    Raises:
        ConfigError: One line per problem, naming the key, the layer that set it, and for an
            unknown key the nearest valid name.
    """
    try:
        return model.model_validate_json(json.dumps(layers.tree, default=str))
    except ValidationError as error:
        lines = [_explain(model, layers, dict(problem)) for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _explain(model: type[Settings], layers: Layers, problem: dict[str, Any]) -> str:
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    where = layers.origin(key)
    if problem["type"] == "extra_forbidden":
        names = list(_model_at(model, path[:-1]).model_fields)
        near = difflib.get_close_matches(path[-1], names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"valid here: {', '.join(names)}"
        return f"{where}: unknown key {key!r}; {hint}"
    if problem["type"] == "missing":
        return f"{where}: key {key!r} is missing; add it there or with --set {key}=…"
    message = problem["msg"].removeprefix("Value error, ")
    if isinstance(
        problem["input"], Mapping
    ):  # a rule about several keys, which several layers may have set
        return f"{key or 'configuration'}: {message}"
    return f"{where}: {key}: {message}, found {_brief(problem['input'])}"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}…"


def _model_at(model: type[Settings], path: list[str]) -> type[Settings]:
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            break
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, Settings)]
        if not nested:
            break
        model = nested[0]
    return model
