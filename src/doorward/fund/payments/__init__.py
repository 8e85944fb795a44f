"""Payment files of the finance system: read, matched to claims, and posted only by a named person (ADR 75)."""
