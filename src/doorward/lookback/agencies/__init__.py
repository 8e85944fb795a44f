"""Which agency searched, whose data it was, and by which door."""
