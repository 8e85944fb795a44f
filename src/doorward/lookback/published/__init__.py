"""Agencies' own published words, and with whom they share."""
