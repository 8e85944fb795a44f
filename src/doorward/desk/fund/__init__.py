"""The fund at the desk: its ledger reached as whoever is signed in, and its pages."""
