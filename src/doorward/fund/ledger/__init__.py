"""What an operation may do and what it posts; states are values, and nothing here reads a clock or a disk."""
