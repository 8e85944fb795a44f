"""How people come in: sessions, factors, the city's provider, the first password, and who is counted as whom."""
