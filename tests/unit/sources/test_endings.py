"""The registry's endings are those of the modules."""

from pipelines.sources.formats.registry import format_named, known_formats


def test_each_built_in_format_has_the_endings_of_its_module():
    for name, endings in known_formats().items():
        assert tuple(format_named(name).ENDINGS) == endings
