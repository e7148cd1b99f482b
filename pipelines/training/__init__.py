"""What every trainer needs and every stage may import: progress, ranking metrics, top-k."""
