"""What is computed: one folder per stage, frames in, frames out."""

__version__ = "0.1.0"
