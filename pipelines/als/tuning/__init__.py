"""The search for the settings of iALS that rank held-out interactions best."""
