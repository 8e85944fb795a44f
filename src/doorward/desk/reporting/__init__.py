"""Reports, public totals and public-records answers from the desk's own database. Django; every rule is elsewhere."""
