"""What trainers share: rounds on storage, stored arrays, tasks over numbers."""
