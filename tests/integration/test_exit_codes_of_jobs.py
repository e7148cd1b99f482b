"""README's exit codes, job by job: what ends with each code, or why nothing of a job does."""

import os
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from jobs import publish_vectors, tune_als
from jobs.cli import jobs_list
from pipelines.cluster import session
from pipelines.spaces import staging
from pipelines.storage.runs.lease import lease
from pipelines.table_store import TableStore

JOBS = jobs_list.job_names()
NO_GATE = "it judges nothing: what it reads passed the gates before"
ONE_COMMIT = "it takes no lease: only Delta's own commit could meet another (test_storage)"
LEASE, COMMIT = "another run has its lease", "another run commits before it"

SOUND = {
    "clean_corpus": {"documents_per": "line"},
    "inspect_corpus": {},
    "clean_events": {},
    "tokenize_corpus": {"min_count": 1},
    "build_interactions": {"min_session_length": 1},
    "train_word2vec": {"vector_size": 4, "max_iter": 1, "threads": 1},
    "train_als": {"rank": 2, "max_iter": 1, "threads": 1},
    "tune_als": {"first_rank": 2, "max_rank": 2, "max_iter": 1, "reg_params": "[0.1]", "unobserved_weights": "[0.1]"},
    "validate_vectors": {"limits__max_mean_cosine": "null"},
    "publish_vectors": {},
    "embed_documents": {},
    "evaluate_vectors": {"similarity_files": "[{root}/pairs.txt]"},
    "evaluate_recommendations": {"k": 2},
    "find_neighbours": {"queries": "[quick]"},
    "recommend_items": {"k": 1},
    "fold_in_vectors": {"only_new": "false"},
    "export_vectors": {},
    "write_report": {},
    "harvest_python": {"packages": "[]", "max_files": 2},
}  # fmt: skip
"""Settings by which each job ends with 0; a job runs after those before it."""

OTHERS = {
    # job: what makes it end with 4, and what with 5
    "build_interactions": ({"min_user_interactions": 99}, COMMIT),
    "clean_corpus": ({"rules__word_count__min": 999}, COMMIT),
    "clean_events": ({"earliest_time": "2030-01-01"}, COMMIT),
    "embed_documents": (NO_GATE, ONE_COMMIT),
    "evaluate_recommendations": (NO_GATE, ONE_COMMIT),
    "evaluate_vectors": (NO_GATE, ONE_COMMIT),
    "export_vectors": (NO_GATE, "it replaces one file"),
    "find_neighbours": (NO_GATE, ONE_COMMIT),
    "fold_in_vectors": (NO_GATE, ONE_COMMIT),
    "harvest_python": (NO_GATE, "it replaces folders of files"),
    "inspect_corpus": (NO_GATE, "it writes nothing"),
    "publish_vectors": ("a space that failed: test_exit_codes", LEASE),
    "recommend_items": (NO_GATE, ONE_COMMIT),
    "tokenize_corpus": ({"min_count": 9999}, COMMIT),
    "train_als": (NO_GATE, LEASE),
    "train_word2vec": (NO_GATE, LEASE),
    "tune_als": (NO_GATE, LEASE),
    "validate_vectors": ({"limits__min_vectors": 9999}, ONE_COMMIT),
    "write_report": (NO_GATE, "it replaces one file"),
}
GATES = [job for job, (settings, _) in OTHERS.items() if isinstance(settings, dict)]


def of_two_runs(how):
    return [job for job, (_, meets) in OTHERS.items() if meets == how]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return the folder of all jobs' tables, with raw input."""
    folder = tmp_path_factory.mktemp("codes")
    lines = [f"the quick brown fox number {n} jumps over lazy dog {n % 7}" for n in range(40)]
    (folder / "corpus.txt").write_text("\n".join(lines))
    rows = [
        f"u{u},i{i},2024-01-{1 + (u + i) % 28:02}T{u:02}:{i:02}:00Z"
        for u in range(12)
        for i in range(8)
        if (u * i) % 3 != 1
    ]
    (folder / "events.csv").write_text("\n".join(["user,item,time", *rows]))
    (folder / "pairs.txt").write_text("quick\tbrown\t5\nfox\tdog\t3\nlazy\tover\t1\n")
    return folder


def unwritten(job):
    """Return the settings of inputs that may be null and that no job before this one writes."""
    before = list(SOUND)[: list(SOUND).index(job)]
    written = {name for each in before for name in jobs_list.tables(each)["outputs"]}
    inputs = jobs_list.load(job).CONFIG.model_fields.get("inputs")
    fields = inputs.annotation.model_fields if inputs else {}
    may_be_null = [name for name, field in fields.items() if not field.is_required()]
    return [f"inputs__{name}" for name in may_be_null if name not in written]


@pytest.fixture
def run(spark, root, vectormill):
    """Return a function that runs a job on the tables of the others, with its sound settings."""

    def run(job, **changes):
        raw = {"clean_corpus": ("corpus", "corpus.txt"), "clean_events": ("events", "events.csv")}
        places = {}
        for side, names in jobs_list.tables(job).items():
            for name in names:
                places[f"{side}__{name}"] = root / "tables" / name
        if job in raw:
            name, file = raw[job]
            places[f"inputs__{name}"] = root / file
        places |= dict.fromkeys(unwritten(job), "null")
        if job == "validate_vectors":
            places |= {"inputs__user_ids": "null", "inputs__item_ids": "null"}
        if job in ("find_neighbours", "export_vectors"):
            places["inputs__vectors"] = root / "tables" / "published"
        if job == "recommend_items":
            places["inputs__vectors"] = root / "tables" / "recommender_vectors"
        settings = {k: str(v).format(root=root) for k, v in (SOUND[job] | changes).items()}
        return vectormill(job, **(places | settings))

    return run


@pytest.fixture(scope="module")
def done():
    """Return the jobs that ended with 0."""
    return []


@pytest.fixture
def prepare(run, root, done):
    """Return a function that runs the jobs before one, those that have not run."""

    def prepare(job):
        for before in list(SOUND)[: list(SOUND).index(job)]:
            if before not in done:
                code, said = run(before)
                assert code == 0, said
                done.append(before)
            if before == "publish_vectors" and not (root / "tables/recommender_vectors").exists():
                space = {"space_name": "recommender"}
                at = {"outputs__published": root / "tables" / "recommender_vectors"}
                unmatched = {"inputs__vocabulary": "null"}
                assert run("validate_vectors", **space, **unmatched)[0] == 0
                assert run("publish_vectors", **space, **at)[0] == 0

    return prepare


@pytest.mark.slow
@pytest.mark.parametrize("job", SOUND)
def test_0(job, run, prepare, done):
    prepare(job)
    if job not in done:
        code, said = run(job)
        assert code == 0, said
        done.append(job)


@pytest.mark.parametrize("job", JOBS)
def test_2_a_setting_that_is_not_there(job, vectormill):
    code, said = vectormill(job, no_such_key=1)
    assert (code, "no_such_key" in said) == (2, True), said


@pytest.mark.parametrize("job", JOBS)
def test_3_inputs_that_are_not_there(job, vectormill, tmp_path):
    sides = jobs_list.tables(job)
    if not sides["inputs"]:
        assert job == "harvest_python", "it reads what is installed"
        return
    places = {f"{side}__{n}": tmp_path / side / n for side in sides for n in sides[side]}
    if job == "publish_vectors":
        places |= {"outputs__embedding_spaces": tmp_path / "absent"}
    if job == "tokenize_corpus":
        places |= {"tokenizer": "bpe"}  # words have no tokenizer_file
    code, said = vectormill(job, **places)
    assert (code, str(tmp_path) in said) == (3, True), said
    assert not [place for place in (tmp_path / "outputs").rglob("*") if place.is_file()]


@pytest.mark.parametrize("job", JOBS)
def test_6_a_session_without_delta(job, vectormill, monkeypatch):
    bare = SimpleNamespace(conf=SimpleNamespace(get=lambda *_: ""))
    monkeypatch.setattr(session.SparkSession, "getActiveSession", lambda: bare)
    code, said = vectormill(job)
    assert (code, "without Delta's catalog" in said) == (6, True), said


@contextmanager
def taken(files, uri):
    """Take a lease as another run would have, before the job does."""
    with lease(files, uri), lease(files, uri):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("job", GATES)
def test_4(job, run, prepare):
    prepare(job)
    assert run(job)[0] == 0
    code, said = run(job, **OTHERS[job][0])
    assert code == 4, said


@pytest.mark.slow
@pytest.mark.parametrize("job", of_two_runs(LEASE))
def test_5_by_a_lease(job, run, prepare, monkeypatch):
    prepare(job)
    for module in (staging, tune_als, publish_vectors):
        monkeypatch.setattr(module, "lease", taken)
    code, said = run(job, seed=7)
    assert (code, "is at work on it" in said) == (5, True), said


@pytest.mark.slow
@pytest.mark.parametrize("job", of_two_runs(COMMIT))
def test_5_by_a_commit(job, spark, root, run, prepare, monkeypatch):
    prepare(job)
    assert run(job)[0] == 0
    finish = TableStore.finish
    table = root / "tables" / jobs_list.tables(job)["outputs"][0]

    def late(store, *arguments):
        spark.sql(f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('x' = '1')")
        return finish(store, *arguments)

    monkeypatch.setattr(TableStore, "finish", late)
    code, said = run(job, seed=7)
    assert code == 5, said


def test_the_table_names_every_job():
    assert set(SOUND) == set(OTHERS) == set(JOBS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "arguments", "environment"),
    [
        (0, ["jobs"], {}),
        (2, ["clean_corpus", "--set", "no_such_key=1"], {}),
        (3, ["clean_corpus", "--set", "inputs.corpus=absent"], {}),
        (4, ["clean_corpus", "--set", "inputs.corpus=short.txt"], {}),
        (6, ["clean_corpus"], {"PATH": "", "JAVA_HOME": "/nowhere"}),
    ],
)
def test_a_process_ends_with_the_code(code, arguments, environment, tmp_path):
    (tmp_path / "short.txt").write_text("short")
    outputs = ["--set", "outputs.documents=out/documents", "--master", "local[1]"]
    arguments = arguments + (outputs if arguments[0] != "jobs" else [])
    ended = subprocess.run(
        [sys.executable, "-m", "jobs.cli.command", *arguments],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
