"""Embedding spaces: registry, gate measures, neighbours, top-k, exports."""
