"""Storage of tables: locations, Hadoop file systems, Parquet and Delta, leases."""
