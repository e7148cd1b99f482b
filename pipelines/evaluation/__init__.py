"""Evaluation of staged spaces: word similarity, analogies, recommendations."""
