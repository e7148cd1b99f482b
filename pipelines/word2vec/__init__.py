"""Sentences to word vectors, and sessions to item vectors, by negative sampling."""
