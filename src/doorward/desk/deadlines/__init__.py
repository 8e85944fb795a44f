"""Business calendars and clocks: what is due when, as a pack's deadlines.toml says. Pure."""
