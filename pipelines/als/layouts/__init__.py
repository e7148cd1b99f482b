"""Where a fit runs: packed in one task, or blocked in half-sweeps over blocks of rows."""
