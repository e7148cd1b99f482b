"""Great Expectations: suites derived from the contracts, and the judging of measures."""
