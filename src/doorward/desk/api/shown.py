"""What a program is told of a matter: what it filed, what the order answers, and where it stands.

No text that somebody typed is in it, and no name of a person: a client knows what it sent.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, Final

from doorward.desk.models import Matter
from doorward.orders.pack import Pack
from doorward.policy.decision import Decision

_CURSOR_BYTES: Final = 8


def show_matter(matter: Matter) -> dict[str, Any]:
    """Return a matter as it stands now."""
    return {
        "id": str(matter.pk),
        "number": matter.number,
        "kind": matter.kind,
        "received": show_moment(matter.received),
        "filed": show_moment(matter.filed),
        "state": matter.state,
        "due": None if matter.due is None else show_moment(matter.due),
        "decision": {
            "outcome": matter.outcome,
            "posture": matter.posture,
            "addressee": matter.addressee or None,
            "sentence": matter.sentence,
            "clauses": matter.clauses,
            "obligations": matter.obligations,
        },
        "order": {"name": matter.order_name, "digest": matter.order_digest},
        "entry": matter.entry,
    }


def show_preview(kind: str, decision: Decision, pack: Pack) -> dict[str, Any]:
    """Return what the order would answer; nothing is filed."""
    return {
        "kind": kind,
        "decision": {
            "outcome": decision.outcome.value,
            "posture": decision.posture.value,
            "addressee": decision.addressee.value if decision.addressee else None,
            "sentence": decision.sentence,
            "clauses": list(decision.clauses),
            "obligations": list(decision.obligations),
        },
        "order": {"name": pack.name, "digest": pack.digest},
    }


def show_moment(moment: datetime) -> str:
    """Return a time in UTC, to the second (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def format_cursor(entry: int) -> str:
    """Return where the next page begins: behind this entry of the record."""
    return urlsafe_b64encode(entry.to_bytes(_CURSOR_BYTES, "big")).rstrip(b"=").decode()


def read_cursor(text: str) -> int | None:
    """Return the entry of a cursor, or None where it is none.

    Args:
        text: Untrusted.
    """
    try:
        raw = urlsafe_b64decode(f"{text}=".encode("ascii"))
    except ValueError:
        return None
    entry = int.from_bytes(raw, "big")
    return entry if len(raw) == _CURSOR_BYTES and format_cursor(entry) == text and entry < 2**63 else None
