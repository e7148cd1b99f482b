"""Answers from published vectors: neighbours, recommendations, exports."""
