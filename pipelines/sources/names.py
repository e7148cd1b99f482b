"""Names of what may be wrong with a raw record, and of what a reader changed in it."""

PROBLEMS = {
    "valid_utf8": "bytes that are not text in the file's encoding",
    "valid_json": "not one JSON object on a line of its own",
    "valid_csv": "a quote that opens or closes inside a field, or stays open",
    "column_count": "more or fewer fields than the header has",
    "scalar_value": "a list or an object where a single value is expected",
    "valid_record": "a damaged record of an archive, a dump or a log",
    "max_record_bytes": "longer than max_record_bytes",
}
"""Rules that a record breaks before its content is looked at."""

NOTES = {
    "truncated_time": "digits below a microsecond were cut off",
    "lossy_key": "a number above 2^53 in a floating-point column: its last digits are not known",
    "not_finite": "NaN or infinity, taken as no value",
    "repeated_name": "a name twice in one JSON object; the first one counts",
    "replaced_characters": "lone surrogates, replaced by U+FFFD",
}
"""Changes that cost no record; a run counts them."""

BROKEN_FILE = "readable_file"
"""The problem of the record that stands for a file which broke off."""
