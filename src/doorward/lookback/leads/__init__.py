"""What is no finding and may be worth a look."""
