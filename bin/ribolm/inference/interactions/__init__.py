"""Which bases of two RNAs pair with each other, read from the contact map of both in one sequence."""
