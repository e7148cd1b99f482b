"""Sentences to word vectors: Spark MLlib's trainer as the reference."""
