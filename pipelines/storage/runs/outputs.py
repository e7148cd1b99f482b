"""The places of a run's outputs: each is to hold a table or nothing, and no input."""

from collections.abc import Mapping

from pyspark.sql import SparkSession

from pipelines.errors import ConfigError
from pipelines.storage.hadoop import Files
from pipelines.storage.places import locate
from pipelines.storage.runs.claims import refuse_foreign


class OutputPlaces:
    """Where the outputs are that replace tables, by the names of these tables."""

    def __init__(self, spark: SparkSession, named: Mapping[str, str]) -> None:
        self._places = {name: locate(spark, uri) for name, uri in named.items()}
        self._spark = spark

    def require_tables(self) -> None:
        """Refuse outputs that would replace other files, before any work is done."""
        for name, place in self._places.items():
            if place.folder and place.stored_as != "delta":
                try:
                    refuse_foreign(Files(self._spark), place.folder)
                except ConfigError as error:
                    raise ConfigError(f"outputs.{name}: {error}") from error

    def require_apart(self, name: str, uri: str, table: str) -> None:
        """Refuse an output that would replace the input of this name and of another contract."""
        folder = locate(self._spark, uri).folder
        for output, place in self._places.items():
            if output != table and folder is not None and place.folder == folder:
                raise ConfigError(f"outputs.{output} is inputs.{name}: {uri}; name another place")
