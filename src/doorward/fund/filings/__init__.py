"""Grantees' reports and what is checked of them, kept beside the ledger in the fund's own database."""
