"""Interactions checked, counted and cut into blocks of cells."""
