"""What grantees hand in: exact units of service, banded tables of people, and no person. Pure."""
