"""What is computed: one folder per stage, frames in, frames out."""

from pipelines.cluster.worker_memory import keep_imports_apart

__version__ = "0.1.0"

keep_imports_apart()
