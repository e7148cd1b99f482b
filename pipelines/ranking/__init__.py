"""Exact top-k by inner product, vectors by key, and ranking metrics."""
