"""Django before the door: one page, one person, one connection a request.

    python with_django.py --conninfo "host=… sslcert=…" --key portal.key --user dana.example /persons?case=JH123456

The web server in front says who is there (``REMOTE_USER``). The middleware asks for that person and closes the
connection when the page is done; ``CONN_MAX_AGE`` stays 0. The backend is Django's own with one method changed.
"""

import argparse
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from asked import asking, who_asks
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections, models
from django.db.backends.postgresql import base
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.urls import path

from doorward.client import Application, find_refusal

PORTAL: list[Application] = []
MODELS: dict[str, Any] = {}
Handle = Callable[[HttpRequest], HttpResponse]


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, whose every connection is opened for whoever asks."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return Django's parameters with the person's token in the place of a password."""
        kept = {"cursor_factory", "context", "prepare_threshold"}
        own = {name: value for name, value in super().get_connection_params().items() if name in kept}
        asked = PORTAL[0].parameters(**who_asks())
        return own | asked | {"options": f"{asked['options']} -c timezone=UTC"}


def ask_for_user(handle: Handle) -> Handle:
    """Return a middleware: the page is made for the person whom the web server names, or not at all."""

    def middleware(request: HttpRequest) -> HttpResponse:
        person = request.META.get("REMOTE_USER")
        if not person:
            return HttpResponse("nobody is logged in\n", status=401)
        who = {"purpose": "criminal-investigation", "case": request.GET.get("case", ""), "for_agency": "CPD"}
        with asking({"person": person, **who}):  # type: ignore[typeddict-item]  # a form's texts
            try:
                return handle(request)
            finally:
                connections.close_all()

    return middleware


def persons(_request: HttpRequest) -> HttpResponse:
    """Return how many persons the person who asks may see."""
    try:
        found = MODELS["Person"].objects
        return JsonResponse({"backend": backend(), "count": found.filter(person_id__gt=0).count()})
    except django.db.utils.OperationalError as error:
        return HttpResponse(f"{find_refusal(error) or error}\n", status=403, content_type="text/plain")


def backend() -> int:
    """Return the number of PostgreSQL's process for this page."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def make_site(portal: Application) -> WSGIHandler:
    """Return the site as a WSGI application."""
    PORTAL[:] = [portal]
    sys.modules["portal_database"] = types.ModuleType("portal_database")
    module = types.ModuleType("portal_database.base")
    module.DatabaseWrapper = DatabaseWrapper  # type: ignore[attr-defined]  # where Django looks for a backend
    sys.modules["portal_database.base"] = module
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.ask_for_user"], USE_TZ=True,
        DATABASES={"default": {"ENGINE": "portal_database", "NAME": "clear", "CONN_MAX_AGE": 0}},
    )  # fmt: skip
    django.setup()

    class Person(models.Model):
        """Whom the person who asks may see: a view of their own scope, kept by the door."""

        person_id = models.BigIntegerField(primary_key=True)
        last_name = models.TextField()

        class Meta:
            app_label, managed, db_table = "portal", False, "persons"

        def __str__(self) -> str:
            return str(self.last_name)

    MODELS["Person"] = Person
    return WSGIHandler()


urlpatterns = [path("persons", persons)]


def main() -> None:
    """Answer one page and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conninfo", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--user", required=True, action="append")
    parser.add_argument("page")
    given = parser.parse_args()
    site = make_site(Application("crime-portal", key=Path(given.key), conninfo=given.conninfo))
    for user in given.user:
        response = site.get_response(RequestFactory().get(given.page, REMOTE_USER=user))
        assert isinstance(response, HttpResponse)  # every page here is whole, none is streamed
        print(response.status_code, response.content.decode().strip())


if __name__ == "__main__":
    main()
