"""Interactions to user and item vectors: Spark MLlib's trainer as the reference."""
