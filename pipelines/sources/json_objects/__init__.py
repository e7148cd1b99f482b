"""JSON objects of lines: a compiled strict walk, and an exact slow one for odd lines."""
