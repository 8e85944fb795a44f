"""One after another: whoever makes a version, an import or a table waits for whoever is at it, and then sees theirs."""

from django.db import connection


def take_turn(what: str) -> None:
    """Wait until nobody else is at this; within a transaction, whose end lets the next one go.

    Args:
        what: Such as `quarterly 2026-Q4`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 53))", [what])
