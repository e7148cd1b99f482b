"""Compiled loops of skip-gram and CBOW with negative sampling."""
