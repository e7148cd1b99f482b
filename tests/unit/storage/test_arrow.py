"""What pyarrow reaches by Hadoop's names of places."""

import pytest
from pyarrow import fs

from pipelines.storage.task_files.arrow import reaches, resolve


@pytest.mark.parametrize("uri", ["/data/a b%20#c", "file:/data/a b%20#c", "file:///data/a b%20#c"])
def test_local_places_keep_their_names(uri):
    files, path = resolve(uri)
    assert isinstance(files, fs.LocalFileSystem)
    assert path == "/data/a b%20#c"


def test_a_place_is_reached_whether_anything_is_there_or_not(tmp_path):
    assert reaches(str(tmp_path))
    assert reaches(tmp_path.joinpath("nothing").as_uri())


def test_file_systems_that_only_spark_has_are_not_reached():
    assert not reaches("dbfs:/tables/vectors")
    assert not reaches("wasbs://container@account/vectors")
