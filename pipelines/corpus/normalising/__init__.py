"""Texts as signals, hashes and readers of documents see them: repaired, in their normal form."""
