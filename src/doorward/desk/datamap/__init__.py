"""What the product stores, field by field: why, how long, who could compel it, at which door. Pure."""
