"""Interactions to user and item vectors by alternating least squares."""
