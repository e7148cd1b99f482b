"""Below the tables: locations, Hadoop file systems, Parquet and Delta on storage, leases."""
