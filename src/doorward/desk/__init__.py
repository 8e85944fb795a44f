"""The desk: requests that people bring, decided by the order, answered, recorded.

`views` ask `access` (may this person see or do this?) and `actions` (do it, and record it); both ask the models.
"""
