"""What every page shows: whose desk it is, that a sample is one, and who is signed in as what."""

from django.conf import settings
from django.http import HttpRequest


def desk(request: HttpRequest) -> dict[str, object]:
    """Return the names that every template has."""
    return {"sample": settings.DESK.sample, "actor": getattr(request, "actor", None)}
