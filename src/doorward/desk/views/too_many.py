"""What somebody gets who asks too often: how long to wait, and that nothing was done."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    """Return the page that says for how many seconds to wait."""
    return wait_in(render(request, "429.html", {"wait": wait}, status=429), wait)


def wait_in(answer: HttpResponse, wait: int) -> HttpResponse:
    """Return the answer with the seconds to wait, as programs read them (RFC 9110, 10.2.3)."""
    answer.headers["Retry-After"] = str(wait)
    return answer


def says(wait: int) -> str:
    """Return the line of a form that was sent too often."""
    return f"too many in too short a time, so nothing was done; wait {wait} seconds and send it again"
