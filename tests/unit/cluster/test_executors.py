"""What an executor has, read from a session's settings and from the files of a container."""

from types import SimpleNamespace

import psutil
import pytest

from pipelines.cluster import executors

GIB = 1 << 30


def session(master, **settings):
    """Only what these functions ask a session for: clusters of other kinds are not at hand."""
    known = {f"spark.{name.replace('_', '.')}": value for name, value in settings.items()}
    conf = SimpleNamespace(get=known.get)
    context = SimpleNamespace(master=master, defaultParallelism=6, getConf=lambda: conf)
    return SimpleNamespace(sparkContext=context)


@pytest.mark.parametrize(
    ("master", "settings", "memory"),
    [
        ("yarn", {"executor_memoryOverhead": "3g"}, 3 * GIB),
        ("yarn", {"executor_memory": "20g"}, 2 * GIB),
        ("k8s://host", {"executor_memory": "2g"}, 384 << 20),
        ("yarn", {"executor_memory": "10g", "executor_memoryOverheadFactor": "0.4"}, 4 * GIB),
        ("yarn", {"executor_pyspark_memory": "8g", "executor_cores": "4"}, 2 * GIB),
        ("spark://host:7077", {"executor_memory": "8g"}, None),
        ("local-cluster[2,1,1024]", {"executor_memoryOverhead": "512"}, 512 << 20),
    ],
)
def test_memory_for_python_follows_from_the_cluster(master, settings, memory):
    assert executors.executor_memory(session(master, **settings)) == memory


@pytest.mark.parametrize(
    ("master", "settings", "threads"),
    [
        ("local", {}, 6),
        ("local[3]", {"default_parallelism": "200"}, 3),
        ("local[*]", {}, 6),
        ("local-cluster[2, 5, 1024]", {}, 5),
        ("yarn", {"executor_cores": "4"}, 4),
        ("spark://host:7077", {}, 1),
    ],
)
def test_threads_are_an_executors_cores(master, settings, threads):
    assert executors.executor_threads(session(master, **settings)) == threads


def test_a_container_has_its_own_limit_and_gives_up_cached_files(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "_CGROUP", tmp_path)
    free = executors.executor_memory(session("local[2]"))
    assert free == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    (tmp_path / "memory.max").write_text("600\n")
    (tmp_path / "memory.current").write_text("550\n")
    (tmp_path / "memory.stat").write_text("anon 100\nactive_file 300\ninactive_file 100\n")
    assert executors.executor_memory(session("local[2]")) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert executors.executor_memory(session("local[2]")) > 1 << 20
