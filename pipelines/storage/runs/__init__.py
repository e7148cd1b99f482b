"""What runs do to each other: claims, leases, sets of tables of one run."""
