"""What of the desk goes into the record: words of the order, ids, and no text that somebody wrote. Pure."""

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from doorward.policy.decision import Decision
from doorward.policy.request import Fact
from doorward.record.entry import Field, Fields

_NOTHING: Final[Mapping[str, str]] = {}
_STATED: Final = {
    Field.PURPOSE: "context.purpose",
    Field.FOR_AGENCY: "context.for_agency",
}
_RECORD: Final = re.compile(r"[0-9a-f]{12}")


def evidence_of(sources: Iterable[str]) -> str:
    """Return the ids of the signed records that an answer rests on; a place's entry names a place, and stays out."""
    return " ".join(sorted({source for source in sources if _RECORD.fullmatch(source)}))


def matter_entry(  # noqa: PLR0913  # every part of an entry by its name
    matter: uuid.UUID,
    kind: str,
    *,
    login: str,
    facts: Mapping[str, Fact],
    decision: Decision,
    digest: str,
    evidence: str = "",
    drill: bool = False,
    tenant: str = "",
) -> Fields:
    """Return the fields of a filed matter: who filed it, what it asks, and what the order answers.

    Args:
        matter: Its id; its number is for people, and says how many there were.
        kind: Of the order's intake.
        facts: As the order was asked.
        digest: Of the order.
        evidence: Ids of the records that it rests on.
        drill: It is a drill, and says so.
        tenant: Whose desk filed it, a word; empty where nothing was filed. An auditor counts by it.
    """
    fields = {
        Field.LOGIN: login,
        Field.AGENCY: str(facts.get("principal.agency", "")),
        Field.OUTCOME: decision.outcome.value,
        Field.CLAUSES: " ".join(decision.clauses),
        Field.POLICIES: " ".join(decision.policies),
        Field.ORDER_DIGEST: digest,
        Field.MATTER: matter.hex,
        Field.WHAT: kind,
    }
    fields |= {field: str(facts[path]) for field, path in _STATED.items() if path in facts}
    if evidence:
        fields[Field.EVIDENCE] = evidence
    if drill:
        fields[Field.MODE] = "drill"
    if tenant:
        fields[Field.SCOPE] = tenant
    return tuple((field, fields[field].encode()) for field in sorted(fields))


def add_act(fields: Fields, act: str) -> Fields:
    """Return the fields of an entry with the word of an act."""
    return tuple(sorted((*fields, (Field.ACT, act.encode()))))


def act_entry(  # every part of an entry by its name
    matter: uuid.UUID,
    act: str,
    *,
    login: str,
    office: str,
    outcome: str = "",
    document: str = "",
    evidence: str = "",
    more: Mapping[str, str] = _NOTHING,
) -> Fields:
    """Return the fields of what an official did with a matter.

    Args:
        act: A word of `doorward.desk.roles.Act`.
        office: The role by which it was done.
        outcome: What the order answers after it, where it was asked again.
        document: SHA-256 of the document that it is about, hexadecimal.
        evidence: Ids of the records that the answer rests on.
        more: By the names of fields, such as `what`, `reason`, `until`: words, clauses and digests of the order, times.
    """
    fields = {
        **{Field[name.upper()]: value for name, value in more.items()},
        Field.EVIDENCE: evidence,
        Field.LOGIN: login,
        Field.AUTHENTICATION: office,
        Field.OUTCOME: outcome,
        Field.MATTER: matter.hex,
        Field.ACT: act,
        Field.DIGEST: document,
    }
    return tuple((field, fields[field].encode()) for field in sorted(fields) if fields[field])


def office_entry(
    about: uuid.UUID | None,
    act: str,
    *,
    what: str,
    login: str,
    office: str,
    digest: str = "",
    evidence: str = "",
) -> Fields:
    """Return the fields of what an official did that is of no single matter: a report, a table, an import.

    Args:
        about: Id of what it is about, where it has one.
        what: Words of the order or of this product, such as `quarterly 2026-Q4`.
        digest: SHA-256 of what leaves or came in, hexadecimal.
        evidence: SHA-256 of what is signed, hexadecimal.
    """
    fields = {
        Field.LOGIN: login,
        Field.AUTHENTICATION: office,
        Field.EVIDENCE: evidence,
        Field.MATTER: "" if about is None else about.hex,
        Field.WHAT: what,
        Field.ACT: act,
        Field.DIGEST: digest,
    }
    return tuple((field, fields[field].encode()) for field in sorted(fields) if fields[field])


def visit_entry(
    visit: uuid.UUID, place: str, *, posture: str, drill: bool, digest: str, tenant: str
) -> Fields:
    """Return the fields of a visit that a phone filed: no login, since a phone stands for a place.

    Args:
        place: The kind of place, a word of the protocols.
        posture: Of the end that was reached, or empty.
        digest: SHA-256 of the record as it came, hexadecimal.
        tenant: Whose place it is, a word; an auditor counts by it.
    """
    fields = {
        Field.SCOPE: tenant,
        Field.OUTCOME: posture,
        Field.MODE: "drill" if drill else "",
        Field.MATTER: visit.hex,
        Field.WHAT: place,
        Field.DIGEST: digest,
    }
    return tuple((field, fields[field].encode()) for field in sorted(fields) if fields[field])
