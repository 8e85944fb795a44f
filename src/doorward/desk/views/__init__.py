"""Pages; a view asks `access` and `actions`, never a model."""
