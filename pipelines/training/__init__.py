"""What only trainers share: versions of a model on storage, stored arrays, tasks over numbers."""
