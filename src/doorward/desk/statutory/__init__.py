"""Reports that statutes ask for: exactly their fields, from what the desk holds. Pure."""
