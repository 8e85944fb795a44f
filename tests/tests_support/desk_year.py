"""A year at the desk, put into its database as it would have been filed, and counted by hand in the tests."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from doorward.desk.models import Account, Matter, Visit

CHICAGO = ZoneInfo("America/Chicago")
SEEN = {"context.papers.detainer.presented": True, "context.papers.detainer.seen": True}
SEEN_ADMINISTRATIVE = {
    "context.papers.administrative.presented": True,
    "context.papers.administrative.seen": True,
}
CIVIL = "civil-immigration-enforcement"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def put_matter(account: "Account", number: str, kind: str, received: str, **more: Any) -> "Matter":
    """Return a matter as it would stand in the database; facts are those that reports look at."""
    from doorward.desk.models import Matter

    when = at(received)
    facts = {
        "principal.agency": "CPD", "context.requester.agency": "ICE-ERO", "context.purpose": "unknown",
        **more.pop("facts", {}),
    }  # fmt: skip
    held = {
        "id": uuid.uuid4(), "number": number, "token": uuid.uuid4(), "tenant": "city", "unit": "lock-up-1",  # noqa: TID251  # as forms draw them
        "kind": kind, "channel": "form", "answers": {}, "facts": facts, "received": when, "filed": when,
        "filed_by": account, "order_name": "chicago", "order_digest": "0" * 64, "outcome": "deny", "posture": "decline",
        "addressee": "", "sentence": "", "clauses": [], "obligations": [], "policies": [], "state": "decided",
        "entry": 1, **more,
    }  # fmt: skip
    return Matter.objects.create(**held)


def put_visit(number: str, received: str, **more: Any) -> "Visit":
    """Return a visit as a phone would have filed it."""
    from doorward.desk.models import Place, Visit

    place, _ = Place.objects.get_or_create(
        slug="branch-year", defaults={"kind": "library", "name": "Branch of the year", "unit": "branch-year"}
    )
    when = at(received)
    held = {
        "id": uuid.uuid4(), "number": number, "place": place, "version": "v", "language": "en", "drill": False,  # noqa: TID251  # as a phone draws it
        "opened": when, "received": when, "walk": [], "values": {}, "sealed_fields": [], "unknown": [],
        "addressees": ["law"], "posture": "stand-aside", "body": b"{}", "digest": "0" * 64, "entry": 1, **more,
    }  # fmt: skip
    return Visit.objects.create(**held)


def empty_desk() -> None:
    """Take everything out of the tables of this worker's desk, past the triggers: a test counts what it put there."""
    from django.apps import apps
    from django.db import connection

    tables = (
        "records_review, records_decision, records_choice, records_answer, publication_signature, publication_count, "
        "publication, report_signature, report_file, filed_report, custody_event, custody_upload, report_line, visit, "
        "event, matter_counsel, matter"
    )
    every = [
        model._meta.db_table for model in apps.get_app_config("desk").get_models()
    ]  # others hang on these
    with connection.cursor() as cursor:
        for table in every:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {tables} CASCADE")
        for table in every:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
