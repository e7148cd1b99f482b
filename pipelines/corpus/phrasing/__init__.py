"""Phrases: neighbours that occur together more often than chance has it become one token."""
