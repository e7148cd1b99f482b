"""Values of raw records: typed, and completed to the columns that a job asks for."""
