"""Workflow files: places that follow from the root, layers over them, and the demo's own file."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import planning
from jobs.cli.jobs_list import job_names
from jobs.cli.planning import Planned

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "conf" / "workflows" / "demo.yaml"
OLD_DEMO = ROOT / "tests" / "data" / "demo_with_every_path.yaml"  # each path and `after` written
HEAD = "name: test\npurpose: Test.\nwork: /w\n"

PLACES = {
    "harvest_python": "",
    "clean_corpus": "outputs.documents",
    "inspect_corpus": "inputs.rejected_documents",
    "tokenize_corpus": "inputs.documents outputs.sentences",
    "train_word2vec": "inputs.sentences inputs.vocabulary outputs.vectors",
    "evaluate_vectors": "inputs.vectors inputs.embedding_spaces outputs.quality_metrics",
    "embed_documents": "inputs.sentences inputs.vocabulary inputs.vectors inputs.embedding_spaces "
    "outputs.document_vectors",
    "clean_events": "outputs.events",
    "build_interactions": "inputs.events outputs.interactions",
    "train_als": "inputs.interactions inputs.user_ids inputs.item_ids outputs.vectors",
    "tune_als": "inputs.interactions outputs.tuning_results",
    "fold_in_vectors": "inputs.vectors inputs.embedding_spaces inputs.training_history "
    "inputs.interactions inputs.user_ids inputs.item_ids outputs.folded_vectors",
    "evaluate_recommendations": "inputs.vectors inputs.embedding_spaces inputs.interactions "
    "inputs.user_ids inputs.item_ids outputs.quality_metrics",
    "validate_vectors": "inputs.vectors outputs.quality_metrics",
    "publish_vectors": "inputs.vectors outputs.embedding_spaces outputs.quality_metrics",
    "find_neighbours": "outputs.neighbours",
    "recommend_items": "inputs.interactions inputs.user_ids inputs.item_ids "
    "outputs.recommendations",
    "export_vectors": "",
    "write_report": "inputs.vocabulary inputs.run_counts inputs.rejected_documents "
    "inputs.training_history "
    "inputs.tuning_results inputs.quality_metrics inputs.embedding_spaces inputs.neighbours "
    "inputs.recommendations",
}
"""What lies at <root>/tables/<name> where a step names nothing, by job."""


def load(path: Path, *assignments: str, env: Path | None = None) -> dict[str, Planned]:
    arguments = argparse.Namespace(
        workflow=path, assignments=list(assignments), conf_dir=None, env=env and str(env)
    )
    return {step.name: step for step in planning.load(arguments)[1]}


def config(tmp_path: Path, text: str, *assignments: str, env: Path | None = None) -> dict[str, Any]:
    """Return the configuration of the one step of a workflow."""
    path = tmp_path / "flow.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    [step] = load(path, *assignments, env=env).values()
    return step.config.model_dump(mode="json")


def flat(tree: dict[str, Any]) -> dict[str, str | None]:
    return {
        f"{side}.{name}": uri
        for side in ("inputs", "outputs")
        for name, uri in (tree.get(side) or {}).items()
    }


@pytest.mark.parametrize("job", job_names())
def test_tables_that_a_step_does_not_name_lie_under_the_root(job: str, tmp_path: Path) -> None:
    without = config(tmp_path, f"steps: {{{job}: {{}}}}\n")
    places = config(tmp_path, f"parameters: {{root: /r/}}\nsteps: {{{job}: {{}}}}\n")
    by_rule = {key: f"/r/tables/{key.partition('.')[2]}" for key in PLACES[job].split()}
    moved = {key: uri for key, uri in flat(places).items() if uri != flat(without)[key]}
    beside = moved.keys() - by_rule.keys()
    assert {key: moved[key] for key in by_rule} == by_rule
    assert all(key.startswith("outputs.") for key in beside), "siblings of a named output"
    assert all(moved[key] == f"/r/tables/{key.partition('.')[2]}" for key in beside)
    others = {key: value for key, value in without.items() if key not in ("inputs", "outputs")}
    assert others == {k: value for k, value in places.items() if k not in ("inputs", "outputs")}


def test_the_file_of_a_job_holds_without_a_root(tmp_path: Path) -> None:
    places = config(tmp_path, "parameters: {folder: /r}\nsteps: {tokenize_corpus: {}}\n")
    assert places["inputs"]["documents"] == "data/tables/documents"


def test_overlay_step_and_assignment_go_over_the_root(tmp_path: Path) -> None:
    overlay = tmp_path / "big.yaml"
    overlay.write_text("train_als: {inputs: {user_ids: /o/u, item_ids: /o/i}}", encoding="utf-8")
    text = (
        "parameters: {root: /r}\n"
        "steps: {train_als: {config: {inputs: {item_ids: '${root}/own/i'}}}}\n"
    )
    over = ("train_als.inputs.initial_vectors=/s/v", "train_als.outputs.vectors=/s/vectors")
    assert flat(config(tmp_path, text, *over, env=overlay)) == {
        "inputs.interactions": "/r/tables/interactions",
        "inputs.user_ids": "/o/u",
        "inputs.item_ids": "/r/own/i",
        "inputs.initial_vectors": "/s/v",
        "outputs.vectors": "/s/vectors",
        "outputs.training_history": "/s/training_history",
        "outputs.embedding_spaces": "/s/embedding_spaces",
    }
    moved = config(tmp_path, text, "parameters.root=/elsewhere")
    assert moved["inputs"]["interactions"] == "/elsewhere/tables/interactions"


def test_what_a_step_sets_to_null_stays_null(tmp_path: Path) -> None:
    inputs = "inputs: {embedding_spaces: null}, space_id: a"
    places = config(
        tmp_path, f"parameters: {{root: /r}}\nsteps: {{embed_documents: {{config: {{{inputs}}}}}}}"
    )
    assert places["inputs"]["embedding_spaces"] is None
    assert places["inputs"]["vectors"] == "/r/tables/vectors"


@pytest.mark.parametrize("assignments", [(), ("parameters.root=/other/root",)])
def test_the_demo_resolves_as_the_file_that_writes_every_path(
    tmp_path: Path, assignments: tuple[str, ...]
) -> None:
    old_file = tmp_path / "conf" / "workflows" / "demo.yaml"
    old_file.parent.mkdir(parents=True)
    old_file.write_bytes(OLD_DEMO.read_bytes())
    conf = f"evaluate_vectors.analogy_files=[{ROOT}/conf/demo/analogies.txt]"
    new, old = load(DEMO, *assignments), load(old_file, *assignments, conf)
    assert list(new) == list(old)
    for name in old:
        assert new[name].config == old[name].config, name
        assert new[name].identity == old[name].identity


def before(waits: dict[str, list[str]], name: str) -> set[str]:
    return {*waits[name]}.union(*(before(waits, other) for other in waits[name]))


def test_the_demo_has_the_orders_that_its_after_allowed() -> None:
    written = planning.read_yaml(OLD_DEMO)["steps"]
    by_after = {name: step.get("after", []) for name, step in written.items()}
    for path in (DEMO, OLD_DEMO):
        steps = load(path)
        by_tables = {name: step.after for name, step in steps.items()}
        assert by_tables.keys() == by_after.keys()
        for name in by_after:
            assert before(by_tables, name) == before(by_after, name), (path.name, name)
        done: set[str] = set()
        for name in steps:
            assert set(by_after[name]) <= done
            done.add(name)


def test_the_demo_reads_like_a_table_of_contents() -> None:
    lines = DEMO.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= len(OLD_DEMO.read_text(encoding="utf-8").splitlines()) / 2
    assert not any("after:" in line for line in lines)
    assert list(planning.read_yaml(DEMO)["steps"]) == list(load(DEMO)), "the order of the file"
