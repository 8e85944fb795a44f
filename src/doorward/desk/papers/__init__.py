"""Papers that were served, as evidence: how they are sealed, what they are, what holds and when they may go. Pure."""
