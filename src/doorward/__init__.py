"""One order, every door."""
