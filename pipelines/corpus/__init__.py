"""Raw text to documents, sentences and vocabulary."""
