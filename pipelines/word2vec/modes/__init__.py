"""How executors share the training: packed, replicated with a merge, or rotated."""
