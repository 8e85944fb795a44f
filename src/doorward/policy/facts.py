"""The request, typed: who acts, what is asked, of what, and every fact that the order may read.

This module only holds values. Where a fact comes from is the pack's resolvers.toml; whether it is believed is
`doorward.grants`; what follows from it is `doorward.policy.outcome`.

INVARIANT (nothing is missing): every field has a value. What is not known is written as ``unknown``, and as
False where True would open something (`verified`, `attested`, `civil_excluded`, `declaration`).
INVARIANT (process is computed): nobody states that there is process; it follows from the papers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

UNKNOWN_AGENCY = "unknown"
NO_AGENCY = "none"
UNKNOWN_PURPOSE = "unknown"

PaperScope = Literal["in", "out", "unknown"]
Fact = str | bool


class Standing(StrEnum):
    """How far the register's word on a case number goes."""

    VERIFIED = "verified"
    ATTESTED = "attested"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: not the person who would act, unless that person acts for itself."""

    party: str
    agency: str
    component: str
    identified: str


@dataclass(frozen=True, slots=True)
class TaskForce:
    """Membership, and whether its agency has attested that civil immigration enforcement is excluded."""

    member: bool
    civil_excluded: bool
    attested: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """One class of paper; ``verified`` is a named act on the original or with the issuer."""

    presented: bool = False
    seen: bool = False
    verified: bool = False
    scope: PaperScope = "unknown"
    current: bool = False
    sealed: bool = False


ABSENT = Paper()


@dataclass(frozen=True, slots=True)
class Papers:
    """One record per class of paper; what was not presented is absent."""

    court_criminal: Paper = ABSENT
    court_civil: Paper = ABSENT
    court_subpoena: Paper = ABSENT
    court_order: Paper = ABSENT
    agency_subpoena: Paper = ABSENT
    administrative: Paper = ABSENT
    detainer: Paper = ABSENT
    immigration_court: Paper = ABSENT

    @property
    def process(self) -> bool:
        """True where some court paper is verified, in scope and current, all of the same paper."""
        courts = (self.court_criminal, self.court_civil, self.court_subpoena, self.court_order)
        return any(paper.verified and paper.scope == "in" and paper.current for paper in courts)


@dataclass(frozen=True, slots=True)
class Register:
    """What the register says of the stated case number."""

    kind: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class GrantParameters:
    """Atoms of row predicates, read from the session's grant; the empty string where there is none."""

    case_no: str = ""
    unit: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything about a request that is neither its principal nor its resource.

    Args:
        requester: Who asks.
        initiative: ``asked`` or ``own-motion``.
        for_agency: Who benefits, an agency id; ``unknown`` where nobody said, ``none`` where nobody but the City.
        purpose: One of the order's words.
        now: Aware, UTC.
        channel: Which door, and by what means: ``database``, ``vendor``, and so on.
    """

    requester: Requester
    initiative: str
    for_agency: str
    purpose: str
    task_force: TaskForce
    papers: Papers
    register: Register
    declaration: bool
    emergency: bool
    exigency_claimed: bool
    now: datetime
    channel: str
    grant: GrantParameters

    @property
    def process(self) -> bool:
        """True where a court's paper is verified, in scope and current; computed, never stated."""
        return self.papers.process


@dataclass(frozen=True, slots=True)
class Principal:
    """The person who would act, or who logs in."""

    id: str
    role: str
    agency: str


@dataclass(frozen=True, slots=True)
class CollectionRef:
    """A database, a table (``clear.persons``) or a column class of a table (``clear.persons.contact``)."""

    id: str


@dataclass(frozen=True, slots=True)
class RecordRef:
    """One row: its table's collection and the attributes that the order may read."""

    table: str
    kind: str
    holder: str
    public_source: bool
    sealed: bool
    juvenile: bool
    case_no: str
    unit: str


Resource = CollectionRef | RecordRef


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the order."""

    principal: Principal
    action: str
    resource: Resource
    context: Context


RECORD_ATTRIBUTES: Mapping[str, str] = {
    item.name: "bool" if item.type is bool else "str" for item in fields(RecordRef) if item.name != "table"
}
ENTITY_FACTS: Mapping[str, str] = {
    "principal.role": "Role",
    "principal.agency": "Agency",
    "context.requester.agency": "Agency",
    "context.for_agency": "Agency",
}
GRANT_PARAMETERS = tuple(f"context.grant.{item.name}" for item in fields(GrantParameters))


def facts_of(request: Request) -> dict[str, Fact]:
    """Return every fact but the resource's, by dotted path in a fixed order; ``context.now`` is left out.

    Time is no member of a finite vocabulary, so no shape may depend on it.
    """
    found: dict[str, Fact] = {
        "principal.role": request.principal.role,
        "principal.agency": request.principal.agency,
    }
    _collect("context", request.context, found)
    found["context.process"] = request.context.process
    return found


def _collect(path: str, value: object, found: dict[str, Fact]) -> None:
    if is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            _collect(f"{path}.{item.name}", getattr(value, item.name), found)
    elif isinstance(value, (str, bool)):
        # A StrEnum is a str; its plain value is what the order's text compares with.
        found[path] = value if isinstance(value, bool) else str(value)


def unknown_context(*, now: datetime) -> Context:
    """Return the context in which nothing is known: the start from which cases are written down."""
    return Context(
        requester=Requester("unknown", UNKNOWN_AGENCY, "", "none"),
        initiative="asked",
        for_agency=UNKNOWN_AGENCY,
        purpose=UNKNOWN_PURPOSE,
        task_force=TaskForce(member=True, civil_excluded=False, attested=False),
        papers=Papers(),
        register=Register("unknown", Standing.UNVERIFIED),
        declaration=False,
        emergency=False,
        exigency_claimed=False,
        now=now,
        channel="unknown",
        grant=GrantParameters(),
    )


def _fact_types() -> dict[str, str]:
    principal = Principal("", "", UNKNOWN_AGENCY)
    context = unknown_context(now=datetime(1970, 1, 1, tzinfo=UTC))
    nobody = Request(principal, "query", CollectionRef(""), context)
    plain = {path: type(value).__name__ for path, value in facts_of(nobody).items()}
    return {path: ENTITY_FACTS.get(path, kind) for path, kind in plain.items()}


FACT_TYPES: Mapping[str, str] = _fact_types()
