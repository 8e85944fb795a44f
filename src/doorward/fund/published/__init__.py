"""What everybody may see of the fund: tables of a month, suppressed, delayed, chained, and never taken back. Pure."""
