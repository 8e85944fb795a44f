"""Ids that nobody can guess; the one place of the desk that draws them."""

import uuid


def draw_id() -> uuid.UUID:
    """Return a fresh id: 122 random bits."""
    return uuid.uuid4()  # noqa: TID251  # the shell draws ids, and hands them to the rest
