"""Subword tokens by Hugging Face `tokenizers`: trained on a sample, or of a file."""
