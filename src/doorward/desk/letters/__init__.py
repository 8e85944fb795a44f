"""Letters and reports on paper: an order's own words, set by typst as PDF/UA-1 and PDF/A-2a."""
