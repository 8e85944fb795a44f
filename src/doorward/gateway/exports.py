"""What leaves in bulk: when an export begins and ends for the record, and the signed note on what left: pure.

An export is a COPY TO STDOUT, by PostgreSQL's own CopyOutResponse, or the rows of a grant beyond `limits.export_rows`.
The door counts and hashes a COPY's data as it forwards it and signs what it saw, because a client could sign anything.

The note's text is two lines, `doorward export` and a JSON object with sorted keys. Its ``sha256`` is of the data
without the frames around it, which in text and CSV is the file that a client writes, byte by byte.

Source: C2SP signed-note.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from struct import Struct
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.pgwire.frames import Rows
from doorward.pgwire.messages import format_parameter_status, parse_copy_response
from doorward.record.entry import Draft, Field, Kind

TITLE: Final = "doorward export"
PARAMETER: Final = b"doorward_export"
MAX_SENTENCES: Final = 64  # of what may be withheld, each with at most so many characters: a note is bounded
MAX_CHARACTERS: Final = 400
_HEAD: Final = Struct(">BI")


@dataclass(frozen=True, slots=True)
class Exporter:
    """In whose name data leaves a session, why it may, and who signs for it.

    Args:
        session: The session's id, as its entries have it.
        stated: Login, purpose, case and beneficiary.
        order: The digest of the order in force.
        scope: The scope that the rows come through.
        withheld: What the client was told at connect about rows that may be missing.
        decided: Outcome, clauses and policies of the decision on the action `export`.
        sign: Makes a signed note of a text, or None where this gateway has no key.
    """

    session: bytes
    stated: tuple[str, str, str, str]
    order: str
    scope: str
    withheld: tuple[str, ...]
    decided: tuple[str, Sequence[str], Sequence[str]]
    sign: Callable[[bytes], bytes] | None = None

    def begins(self, request: int, reason: str) -> Draft:
        """Return the entry for an export that begins."""
        outcome, clauses, policies = self.decided
        fields = (
            (Field.OUTCOME, outcome.encode()),
            (Field.CLAUSES, " ".join(clauses).encode()),
            (Field.POLICIES, " ".join(policies).encode()),
            (Field.REASON, reason.encode()),
        )
        return Draft(Kind.EXPORT, self.session, request, fields)


class Copying:
    """One COPY TO STDOUT under way.

    Args:
        exporter: In whose name.
        request: The number of its request.
        response: The payload of the CopyOutResponse.
        statement: The text of its Query, or None where the extended protocol was used.
    """

    def __init__(self, exporter: Exporter, request: int, response: bytes, statement: bytes | None) -> None:
        self.request = request
        self._exporter = exporter
        self._form = parse_copy_response(response)
        self._statement = statement
        self._digest = sha256()
        self._size = 0

    def take(self, run: Rows) -> None:
        """Hash a run that is forwarded."""
        data = run.data
        if len(data) == run.size:
            self._digest.update(data)
        else:
            parts, position, end = [], 0, len(data)
            unpack = _HEAD.unpack_from
            while position < end:
                following = position + 1 + unpack(data, position)[1]
                parts.append(data[position + 5 : following])
                position = following
            self._digest.update(b"".join(parts))
        self._size += run.size

    def ends(self, tag: bytes, now: datetime) -> tuple[Draft, bytes]:
        """Return the entry for the end and the frame that hands the client the signed note, to go in this order."""
        exporter = self._exporter
        text = format_export(self._facts(tag, now))
        digest = sha256(text).hexdigest()
        fields = (
            (Field.OUTCOME, b"complete"),
            (Field.BYTES, b"%d" % self._size),
            (Field.TAG, tag),
            (Field.MANIFEST, digest.encode()),
        )
        draft = Draft(Kind.EXPORT, exporter.session, self.request, fields)
        if exporter.sign is None:
            return draft, b""
        return draft, format_parameter_status(PARAMETER, exporter.sign(text))

    def _facts(self, tag: bytes, now: datetime) -> dict[str, Any]:
        exporter = self._exporter
        login, purpose, case_no, for_agency = exporter.stated
        outcome, clauses, _ = exporter.decided
        count = tag.rpartition(b" ")[2]
        return {
            "bytes": self._size,
            "case": case_no,
            "clauses": list(clauses),
            "columns": len(self._form.column_formats),
            "decision": outcome,
            "ended": now.isoformat(timespec="seconds"),
            "for": for_agency,
            "format": "binary" if self._form.format else "text",
            "login": login,
            "order": exporter.order,
            "purpose": purpose,
            "request": self.request,
            "rows": int(count) if count.isdigit() else None,
            "scope": exporter.scope,
            "session": exporter.session.hex(),
            "sha256": self._digest.hexdigest(),
            "statement_sha256": None if self._statement is None else sha256(self._statement).hexdigest(),
            "withheld": [said[:MAX_CHARACTERS] for said in exporter.withheld[:MAX_SENTENCES]],
        }


def format_export(facts: dict[str, Any]) -> bytes:
    """Return the text of a note on an export."""
    body = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"{TITLE}\n{body}\n".encode()


def parse_export(text: bytes) -> dict[str, Any]:
    """Return what a note's text says of an export.

    Raises:
        MalformedError: It speaks of no export, or not in the one form that there is.
    """
    title, _, body = text.decode("utf-8", "replace").partition("\n")
    try:
        facts = json.loads(body)
    except ValueError as error:
        raise MalformedError("the note on an export holds no JSON") from error
    if title != TITLE or not isinstance(facts, dict) or format_export(facts) != text:
        raise MalformedError(f"expected a note whose text begins with `{TITLE}`")
    return facts
