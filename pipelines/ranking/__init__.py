"""Exact top-k by inner product, the catalogue of items that are ranked, and ranking metrics."""
