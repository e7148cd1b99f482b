"""Vectors of new or changed users and items in a space that stays as it is."""
