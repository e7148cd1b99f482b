"""The command line: what each command prints, and the code it ends with."""

import importlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.cli import command, console, jobs_list, options
from pipelines import __version__
from pipelines.errors import ConfigError, GateError, VectormillError
from pipelines.results import JobResult
from pipelines.settings import JobConfig, Outputs, Settings


class Places(Outputs):
    things: str
    """Things."""


class Inputs(Settings):
    raw: str
    """Raw."""


class Config(JobConfig):
    inputs: Inputs
    """In."""
    outputs: Places
    """Out."""
    min_count: int = 1
    """Count."""


BASE = "inputs: {raw: data/raw}\noutputs: {things: data/things}\nmin_count: 2\n"


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration for the one job `fake_job`, which does what `ran` says."""
    (tmp_path / "conf" / "base").mkdir(parents=True)
    (tmp_path / "conf" / "base" / "fake_job.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "conf" / "environments").mkdir()
    monkeypatch.setattr(jobs_list, "job_names", lambda: ["fake_job"])
    monkeypatch.setattr(jobs_list, "purpose", lambda job: f"Do what {job} does.")
    monkeypatch.setattr(jobs_list, "has_trial", lambda _: True)
    return tmp_path / "conf"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list to which each run of the fake job adds its configuration."""
    seen: list[Any] = []

    def run(spark: SparkSession, config: Any) -> JobResult:
        seen.append(config)
        return JobResult(
            rows_in={"raw": 3},
            rows_out={"things": 2},
            rejected={"rule": 1},
            measures={"loss": 0.5},
            lines=["[a] line"],
            space_id="s",
        )

    def try_sample(spark: SparkSession, config: Any, share: float) -> JobResult:
        return JobResult(lines=[f"tried {share} of {config.inputs.raw}"])

    module = SimpleNamespace(
        __name__="jobs.fake_job", CONFIG=Config, run=run, try_sample=try_sample
    )
    real = importlib.import_module
    fake = lambda name: module if name == "jobs.fake_job" else real(name)  # noqa: E731
    monkeypatch.setattr(importlib, "import_module", fake)
    return seen


@pytest.fixture(autouse=True)
def _no_log_stays_open() -> Iterator[None]:
    before = list(console.LOG.handlers)
    yield
    for handler in set(console.LOG.handlers) - set(before):
        console.LOG.removeHandler(handler)
        handler.close()


def test_version_and_help_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    for option, text in (("--version", f"vectormill {__version__}"), ("--help", "exit codes")):
        with pytest.raises(SystemExit) as ended:
            command.main([option])
        assert ended.value.code == 0
        assert text in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        command.main(["no_such_job"])
    assert ended.value.code == 2


def test_jobs_are_listed_with_purpose_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["jobs", "--json"]) == 0
    rows = {row["job"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(jobs_list.job_names())
    assert rows["clean_corpus"]["purpose"].startswith("Clean raw text into documents")
    assert rows["clean_corpus"]["inputs"] == ["corpus"]
    assert "documents" in rows["clean_corpus"]["outputs"]
    assert command.main(["jobs"]) == 0
    assert "clean_corpus" in capsys.readouterr().out


def test_a_dry_run_prints_the_resolved_configuration_and_reads_nothing(
    conf: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (conf / "environments" / "big.yaml").write_text(
        "all: {seed: 7}\nfake_job: {min_count: 5}\nspark: {spark.executor.cores: 4}",
        encoding="utf-8",
    )
    (conf / "there").touch()
    code = command.main(
        [
            "fake_job",
            "--conf-dir",
            str(conf),
            "--env",
            "big",
            "--dry-run",
            "--set",
            f"inputs.raw={conf / 'there'}",
        ]
    )
    told = capsys.readouterr().out
    assert (code, ran) == (0, [])
    assert "seed: 7\n" in told
    assert "min_count: 5\n" in told
    assert f"# would read inputs.raw: {conf / 'there'} (is there)" in told
    command.main(["fake_job", "--conf-dir", str(conf), "--dry-run"])
    assert "# would read inputs.raw: data/raw (is NOT there)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "min_cuont=3"], "--set: unknown key 'min_cuont'; did you mean 'min_count'?"),
        (["--set", "inputs.rwa=x"], "--set: unknown key 'inputs.rwa'; did you mean 'raw'?"),
        (["--set", "min_count"], "write it as key.subkey=value"),
        (["--env", "none"], "none.yaml: no such configuration file"),
        (["--config", "gone.yaml"], "gone.yaml: no such configuration file"),
    ],
)
def test_a_wrong_configuration_ends_with_two_before_anything_runs(
    conf: Path,
    ran: list[Any],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert command.main(["fake_job", "--conf-dir", str(conf), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert message in told
    assert ran == []


def test_a_typo_in_a_file_names_the_file(
    conf: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (conf / "mine.yaml").write_text(BASE + "min_cont: 3\n", encoding="utf-8")
    code = command.main(["fake_job", "--conf-dir", str(conf), "--config", str(conf / "mine.yaml")])
    assert code == 2
    assert f"{conf / 'mine.yaml'}: unknown key 'min_cont'" in capsys.readouterr().err


def test_an_overlay_with_an_unknown_section_is_refused(
    conf: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (conf / "environments" / "odd.yaml").write_text("fake_jbo: {}", encoding="utf-8")
    assert command.main(["fake_job", "--conf-dir", str(conf), "--env", "odd"]) == 2
    assert "odd.yaml: unknown section 'fake_jbo'" in capsys.readouterr().err


def _run(conf: Path, *arguments: str) -> int:
    return command.main(
        ["fake_job", "--conf-dir", str(conf), "--log-dir", str(conf / "logs"), *arguments]
    )


def test_a_job_runs_and_prints_a_summary_or_json(
    spark: SparkSession, conf: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(conf, "--set", "min_count=9") == 0
    assert ran[0].min_count == 9
    told = capsys.readouterr().out
    for part in ("fake_job: done in", "raw", "3", "things", "rejected for", "rule", "[a] line"):
        assert part in told
    assert _run(conf, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["job"], result["rows_out"], result["space_id"]) == (
        "fake_job",
        {"things": 2},
        "s",
    )


def test_a_job_is_tried_on_a_share_of_its_records(
    spark: SparkSession, conf: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(conf, "--sample", "0.25") == 0
    assert "tried 0.25 of data/raw" in capsys.readouterr().out
    assert ran == []
    for share in ("0", "1.5", "nan"):
        with pytest.raises(SystemExit) as ended:
            _run(conf, "--sample", share)
        assert ended.value.code == 2


def test_jobs_that_can_be_tried_are_told_by_their_source() -> None:
    assert [job for job in jobs_list.job_names() if jobs_list.has_trial(job)] == ["clean_corpus"]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (GateError("norms: 3 > 2"), 4, "error: norms: 3 > 2"),
        (ValueError("first\nsecond"), 1, "error: first"),
        (RuntimeError("x pipelines.errors.InputError: a.gz: broken"), 3, "error: a.gz: broken"),
        (KeyError(), 1, "error: KeyError()"),
    ],
)
def test_a_failure_is_one_line_with_its_code_and_its_log(
    spark: SparkSession,
    conf: Path,
    capsys: pytest.CaptureFixture[str],
    ran: list[Any],
    error: Exception,
    code: int,
    line: str,
) -> None:
    def run(spark: SparkSession, config: Any) -> JobResult:
        raise error

    importlib.import_module("jobs.fake_job").run = run
    assert _run(conf) == code
    told = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error")]
    assert told == [line]
    if not isinstance(error, VectormillError):
        assert type(error).__name__ in (conf / "logs" / "vectormill.log").read_text("utf-8")


def test_an_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert console.guarded(interrupted, SimpleNamespace()) == 130  # type: ignore[arg-type]
    assert "run the same command again" in capsys.readouterr().err


def test_init_copies_a_configuration_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["init", str(tmp_path / "mine")]) == 0
    there = {path.stem for path in (tmp_path / "mine" / "base").glob("*.yaml")}
    assert there == set(jobs_list.job_names())
    assert "--conf-dir" in capsys.readouterr().out
    code = command.main(["clean_corpus", "--conf-dir", str(tmp_path / "mine"), "--dry-run"])
    assert code == 0
    assert command.main(["init", str(tmp_path / "mine")]) == 2
    assert "is not empty; name a new folder" in capsys.readouterr().err


def test_spark_settings_come_from_the_overlay_and_the_command_line(conf: Path) -> None:
    (conf / "environments" / "big.yaml").write_text(
        "spark: {spark.a: 1, spark.b: 2}", encoding="utf-8"
    )
    arguments = SimpleNamespace(env="big", conf_dir=conf, conf=["spark.b=x=y"])
    settings = options.spark_settings(arguments)  # type: ignore[arg-type]
    assert settings == {"spark.a": "1", "spark.b": "x=y"}
    arguments.conf = ["spark.b"]
    with pytest.raises(ConfigError, match="write it as key=value"):
        options.spark_settings(arguments)  # type: ignore[arg-type]


def test_the_log_level_is_the_one_asked_for(conf: Path) -> None:
    arguments = SimpleNamespace(log_dir=conf / "logs", log_level="info")
    options.log_folder(arguments, "x")  # type: ignore[arg-type]
    assert console.LOG.level == logging.INFO
    console.LOG.info("seen")
    assert "INFO vectormill: seen" in (conf / "logs" / "vectormill.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("boom\nand more", "boom"),
        (
            "An exception was thrown from the Python worker. Please see the stack trace below.\n"
            'Traceback (most recent call last):\n  File "a.py", line 24, in draws\n    x = y\n'
            "OverflowError: Python integer -2 out of bounds\n\nJVM stacktrace:\n\tat org.apache",
            "OverflowError: Python integer -2 out of bounds",
        ),
        (
            "An error occurred while calling o867.save.\n: io.delta.SomeException: no\n\tat io",
            "io.delta.SomeException: no",
        ),
    ],
)
def test_an_unexpected_error_is_told_by_the_line_that_says_it(
    capsys: pytest.CaptureFixture[str], text: str, gist: str
) -> None:
    assert console.failed(RuntimeError(text), Path("logs")) == 1
    assert capsys.readouterr().err == f"error: {gist}\nlog: logs\n"
