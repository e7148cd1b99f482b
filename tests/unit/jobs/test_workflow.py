"""The runner: order, choice, resumption, and what a failure stops."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.cli import command, console, jobs_list
from pipelines.errors import ConcurrentRunError, ConfigError, GateError
from pipelines.results import JobResult
from pipelines.settings import JobConfig, Settings, substitute
from pipelines.storage.hadoop import Files
from pipelines.storage.runs.lease import lease


class Tables(Settings):
    one: str | None = None
    """One."""
    two: str | None = None
    """Two."""


class Config(JobConfig):
    inputs: Tables | None = None
    """In."""
    outputs: Tables | None = None
    """Out."""
    size: int = 1
    """Size."""
    place: str = "here"
    """Place."""


class World:
    """Fake jobs in a folder: what ran, and which of them fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.configs: dict[str, Config] = {}
        self.failing: dict[str, BaseException] = {}

    def job(self, name: str) -> Any:
        def run(spark: SparkSession, config: Config) -> JobResult:
            self.ran.append(name)
            self.configs[name] = config
            if name in self.failing:
                raise self.failing[name]
            return JobResult(rows_in={"x": 1}, rows_out={name: 1})

        return SimpleNamespace(__name__=f"jobs.{name}", CONFIG=Config, run=run)

    def write(self, steps: str, **more: str) -> None:
        head = f"name: test\npurpose: Test.\nwork: {self.folder}/work\n"
        extra = "".join(f"{key}: {value}\n" for key, value in more.items())
        (self.folder / "flow.yaml").write_text(f"{head}{extra}steps: {steps}\n", encoding="utf-8")

    def run(self, *arguments: str) -> int:
        self.ran.clear()
        return command.main(
            ["run", str(self.folder / "flow.yaml"), "--conf-dir", str(self.folder), *arguments]
        )


DIAMOND = "{d: {after: [b, c]}, b: {after: [a]}, c: {after: [a]}, a: {}, alone: {}}"
TABLES_DIAMOND = """
  d: {config: {inputs: {one: /t/b, two: "file:///t/c"}}}
  b: {config: {inputs: {one: /t/a}, outputs: {one: /t/b}}}
  c: {config: {inputs: {one: /t/a/}, outputs: {one: /t/c}}}
  a: {config: {outputs: {one: /t/a}}}
  alone: {}"""


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return fake jobs a, b, c, d and alone, each with a base file."""
    made = World(tmp_path)
    names = ["a", "b", "c", "d", "alone"]
    modules = {f"jobs.{name}": made.job(name) for name in names}
    (tmp_path / "base").mkdir()
    for name in names:
        (tmp_path / "base" / f"{name}.yaml").write_text("size: 2\n", encoding="utf-8")
    real = importlib.import_module
    monkeypatch.setattr(jobs_list, "job_names", lambda: names)
    monkeypatch.setattr(jobs_list, "purpose", lambda job: f"Do {job}.")
    monkeypatch.setattr(jobs_list, "has_trial", lambda _: False)
    monkeypatch.setattr(importlib, "import_module", lambda name: modules.get(name) or real(name))
    made.write(DIAMOND)
    before = list(console.LOG.handlers)
    yield made
    for handler in set(console.LOG.handlers) - set(before):
        console.LOG.removeHandler(handler)
        handler.close()


def test_steps_run_once_in_the_order_of_their_dependencies(world: World) -> None:
    assert world.run() == 0
    assert sorted(world.ran) == ["a", "alone", "b", "c", "d"]
    at = {name: place for place, name in enumerate(world.ran)}
    assert at["a"] < at["b"] < at["d"]
    assert at["a"] < at["c"] < at["d"]


def test_the_order_from_tables_holds_for_what_is_chosen_and_what_is_stopped(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write(TABLES_DIAMOND)
    for arguments, ran in (
        ((), ["a", "b", "c", "d", "alone"]),
        (("--only", "d,a"), ["a", "d"]),
        (("--from", "b"), ["b", "d"]),
        (("--from", "a"), ["a", "b", "c", "d"]),
        (("--from", "alone"), ["alone"]),
        (("--set", "a.outputs.one=/t/other"), ["b", "c", "d", "a", "alone"]),
    ):
        assert world.run(*arguments) == 0
        assert world.ran == ran, arguments
    world.failing["b"] = GateError("no")
    capsys.readouterr()
    assert world.run("--json") == 4
    outcomes = {step["step"]: step["outcome"] for step in json.loads(capsys.readouterr().out)}
    assert outcomes == {"a": "done", "b": "failed", "c": "done", "d": "stopped", "alone": "done"}


def test_resuming_redoes_the_readers_of_what_is_written_again(world: World) -> None:
    world.write(TABLES_DIAMOND)
    world.run()
    for assignment, redone in (("c.size=7", ["c", "d"]), ("a.size=7", ["a", "b", "c", "d"])):
        assert world.run("--resume", "--set", assignment) == 0
        assert world.ran == redone
    assert world.run("--resume", "--set", "a.size=7") == 0
    assert world.ran == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("{a: {after: [b]}, b: {after: [c]}, c: {after: [a]}}", "steps wait for each other: "),
        ("{a: {after: [z]}}", "steps.a.after: no step 'z'"),
        ("{z: {}}", "steps.z: no job 'z'"),
        ("{a: {aftr: []}}", "unknown key 'steps.a.aftr'; did you mean 'after'?"),
        ("{a: {config: {sise: 1}}}", "flow.yaml steps.a: unknown key 'sise'; did you mean 'size'?"),
        ("{a: {config: {place: '${rot}/x'}}}", "unknown parameter 'rot'; there are "),
    ],
)
def test_a_wrong_workflow_ends_with_two_before_anything_runs(
    world: World, capsys: pytest.CaptureFixture[str], steps: str, message: str
) -> None:
    world.write(steps, parameters="{root: /r}")
    assert world.run() == 2
    assert message in capsys.readouterr().err
    assert world.ran == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "a,y"), "no step 'y'; there are"),
        (("--from", "y"), "no step 'y'; there are"),
        (("--set", "y.size=1"), "--set y.size=1: no step 'y'; there are d, b, c, a, alone"),
        (("--set", "a.sise=1"), "--set: unknown key 'sise'; did you mean 'size'?"),
    ],
)
def test_a_wrong_choice_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert world.run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_only_and_from_choose_steps(world: World) -> None:
    assert world.run("--only", "d,a") == 0
    assert world.ran == ["a", "d"]
    assert world.run("--from", "b") == 0
    assert world.ran == ["b", "d"]


def test_parameters_and_assignments_reach_the_step(world: World) -> None:
    world.write(
        "{one: {job: a, config: {place: '${root}/x', size: 3}}, b: {}}", parameters="{root: /r}"
    )
    assert world.run("--set", "parameters.root=/other", "--set", "one.seed=9") == 0
    assert world.configs["a"] == Config(place="/other/x", size=3, seed=9)
    assert world.configs["b"] == Config(size=2)


def test_a_dry_run_prints_every_step_and_runs_none(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.run("--dry-run") == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ")]
    assert set(told) == {"# a", "# b", "# c", "# d", "# alone"}
    assert world.ran == []


def test_a_failed_step_stops_its_dependents_alone_and_gives_its_code(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.failing["b"] = GateError("too long")
    assert world.run("--json") == 4
    assert sorted(world.ran) == ["a", "alone", "b", "c"]
    told = capsys.readouterr()
    outcomes = {step["step"]: step["outcome"] for step in json.loads(told.out.splitlines()[-1])}
    assert outcomes == {"a": "done", "alone": "done", "b": "failed", "c": "done", "d": "stopped"}
    assert "error: too long" in told.err
    assert f"log: {world.folder / 'work' / 'logs'}" in told.err


def test_the_closing_table_names_every_step(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.failing["c"] = ValueError("boom")
    assert world.run() == 1
    table = capsys.readouterr().out
    for name, outcome in (("a", "done"), ("c", "failed"), ("d", "stopped")):
        assert any(line.split()[:2] == [name, outcome] for line in table.splitlines()), name


def test_resuming_runs_what_failed_and_what_was_stopped(world: World) -> None:
    world.failing["b"] = ValueError("boom")
    world.run()
    del world.failing["b"]
    assert world.run("--resume") == 0
    assert world.ran == ["b", "d"]
    assert world.run("--resume") == 0
    assert world.ran == []
    assert world.run() == 0
    assert len(world.ran) == 5, "without --resume everything runs"


def test_resuming_redoes_a_changed_step_and_all_after_it(world: World) -> None:
    world.run()
    assert world.run("--resume", "--set", "b.size=7") == 0
    assert world.ran == ["b", "d"]


def test_a_step_after_a_redone_one_is_not_skipped_by_a_later_resumption(world: World) -> None:
    world.run()
    world.failing["d"] = ValueError("boom")
    assert world.run("--resume", "--set", "a.size=7") == 1
    del world.failing["d"]
    assert world.run("--resume", "--set", "a.size=7") == 0
    assert world.ran == ["d"]


def test_a_killed_run_is_resumed_where_it_was(world: World) -> None:
    world.run()
    world.failing["c"] = KeyboardInterrupt()
    assert world.run() == 130
    del world.failing["c"]
    done = world.ran[: world.ran.index("c")]
    assert world.run("--resume") == 0
    assert sorted([*world.ran, *done]) == ["a", "alone", "b", "c", "d"]


def test_a_second_run_of_the_same_workflow_is_refused(
    world: World, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    with lease(Files(spark), f"{world.folder}/work/test"):
        assert world.run() == ConcurrentRunError.exit_code == 5
    assert "is at work on it" in capsys.readouterr().err
    assert world.ran == []
    assert world.run() == 0


def test_texts_are_substituted_everywhere_and_nothing_else() -> None:
    tree = {"a": ["${x}/b", 1, None], "c": {"d": "$${x} ${x}"}}
    assert substitute(tree, {"x": "1"}) == {"a": ["1/b", 1, None], "c": {"d": "${x} 1"}}
    with pytest.raises(ConfigError, match="unknown parameter"):
        substitute("5 $ each", {})
