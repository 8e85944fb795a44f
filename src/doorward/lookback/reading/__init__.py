"""Files into one table of accesses, with an account of every record."""
