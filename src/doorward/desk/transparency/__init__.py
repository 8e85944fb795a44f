"""What the public may see of the desk: totals of past quarters, suppressed, signed, with a feed. Pure."""
