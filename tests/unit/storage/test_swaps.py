"""Folders swapped by two moves: what a crash or another reader leaves is mended."""

from pathlib import Path

import pytest

from pipelines.errors import InputError
from pipelines.storage.hadoop import Files
from pipelines.storage.swaps import mend, swap


class Local(Files):
    """Files of this machine, without a JVM."""

    def __init__(self):
        self._is_local = True

    def names(self, uri):
        return names(Path(uri))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(folder: Path, text: str) -> str:
    folder.mkdir(parents=True)
    (folder / "part.parquet").write_text(text)
    return str(folder)


def get(folder: Path) -> str:
    return (folder / "part.parquet").read_text()


@pytest.mark.parametrize("relative", ["table", "a=1/b=x%2Fy", "tables é"])
def test_the_new_folder_is_there_and_the_old_one_gone(tmp_path, relative):
    for text in ("one", "two"):
        swap(Local(), put(tmp_path / f"new {text}", text), str(tmp_path), relative)
        assert get(tmp_path / relative) == text
    assert names(tmp_path) == [relative.split("/")[0]]


@pytest.mark.parametrize("relative", ["table", "a=1/b=x%2Fy", "tables é"])
def test_a_crash_between_the_moves_is_mended(tmp_path, monkeypatch, relative):
    swap(Local(), put(tmp_path / "new", "one"), str(tmp_path), relative)
    real, moves = Local.move, []

    def move(self, source, target):
        moves.append(target)
        if len(moves) == 2:
            raise KeyboardInterrupt
        real(self, source, target)

    newer = put(tmp_path / "newer", "two")
    with monkeypatch.context() as patched:
        patched.setattr(Local, "move", move)
        with pytest.raises(KeyboardInterrupt):
            swap(Local(), newer, str(tmp_path), relative)
    assert not (tmp_path / relative).exists()
    mend(Local(), str(tmp_path), "another")
    assert not (tmp_path / relative).exists()
    mend(Local(), str(tmp_path))
    assert get(tmp_path / relative) == "one"
    swap(Local(), newer, str(tmp_path), relative)
    assert get(tmp_path / relative) == "two"
    assert names(tmp_path) == [relative.split("/")[0]]


def test_a_reader_that_mends_too_early_costs_the_writer_a_second_try(tmp_path, monkeypatch):
    put(tmp_path / "table", "one")
    real, mended = Local.move, []

    def move(self, source, target):
        real(self, source, target)
        if ".old-" in target and not mended:
            mended.append(target)
            mend(self, str(tmp_path))

    monkeypatch.setattr(Local, "move", move)
    swap(Local(), put(tmp_path / "new", "two"), str(tmp_path), "table")
    assert (get(tmp_path / "table"), len(mended)) == ("two", 1)
    assert names(tmp_path) == ["table"]


def test_a_new_folder_that_is_gone_leaves_the_old_one(tmp_path):
    put(tmp_path / "table", "one")
    with pytest.raises((InputError, OSError)):
        swap(Local(), str(tmp_path / "absent"), str(tmp_path), "table")
    assert get(tmp_path / "table") == "one"
