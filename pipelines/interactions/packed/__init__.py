"""Layout `packed`: one task holds all events as arrays of numbers and does a whole step."""
