"""A loaded order: its clauses, its words, its agencies, and the one decision function.

`doorward.orders.load` reads one from disk, `doorward.orders.assemble` checks it; a Pack that exists has no fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.policy.compile import MAX_SHAPES, DoorModel, compile_scopes
from doorward.policy.decision import Addressee, Decision, Outcome, Posture
from doorward.policy.evaluate import Applied, Evaluator
from doorward.policy.facts import UNKNOWN_PURPOSE, Request
from doorward.policy.outcome import Verdict, apply_outcome_rule
from doorward.policy.parse import Policy
from doorward.policy.scopes import ScopeBook
from doorward.policy.tables import Table

SAMPLE_OFFICE = "sample"
CLAIM_OPTIONS = (
    ("`doorward.purpose`", "why, one of the purpose words below"),
    ("`doorward.case`", "the case number, where the work has one"),
    (
        "`doorward.for`",
        "for whom, one of the agency ids below; not stated means `unknown`, never your own agency",
    ),
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the order, with what it rests on and how far it has been adopted.

    Args:
        evidence: ``text``, ``mirror``, ``press`` or ``background``.
        standing: ``confirmed``, ``adopted`` or ``needs-counsel``; only the first two decide alone.
        adopted_by: The office, where adopted.
        adopted_on: ISO date, where adopted.
    """

    id: str
    cite: str
    says: str
    evidence: str
    standing: str
    adopted_by: str | None = None
    adopted_on: str | None = None

    @property
    def decides(self) -> bool:
        """True where the clause is confirmed or adopted."""
        return self.standing != "needs-counsel"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A word that a purpose may be stated with, and what it means."""

    word: str
    says: str


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency of the entity file.

    Args:
        parents: The groups that it is directly in.
        party: ``city``, ``illinois``, ``out-of-state``, ``federal``, ``none`` or ``unknown``.
        ori: Empty where the pack does not know it.
        declaration: Whether its plate reader declaration is on file.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    party: str
    component: str
    ori: str
    declaration: bool


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whom to ask; of invented offices in a sample pack."""

    law_department: str
    supervisor: str


@dataclass(frozen=True, slots=True)
class Sentences:
    """What everybody may read of an outcome: names no register, no policy, no person."""

    deny: str
    refer: str
    permit: str
    outside: str
    nothing: str
    failure: str


@dataclass(frozen=True, slots=True)
class Pack:
    """An order.

    Args:
        digest: SHA-256 over all its files, hexadecimal.
        page: Where the order and its words are described; printed to people.
        questions: Open questions by number.
        collections: Every collection id.
        tables: By collection, as the order sees them.
        files: Text of every file by its path in the pack, for messages and pages.
    """

    name: str
    title: str
    about: str
    digest: str
    page: str
    authorities: tuple[str, ...]
    effective: str
    clauses: Mapping[str, Clause]
    purposes: Mapping[str, Purpose]
    agencies: Mapping[str, Agency]
    roles: tuple[str, ...]
    collections: tuple[str, ...]
    classes: Mapping[str, str]
    tables: Mapping[str, Table]
    questions: Mapping[str, str]
    contacts: Contacts
    sentences: Sentences
    policies: tuple[Policy, ...]
    model: DoorModel
    evaluator: Evaluator
    files: Mapping[str, str]

    @property
    def is_sample(self) -> bool:
        """True where a clause is adopted by the office `sample`, which no production accepts."""
        return any(clause.adopted_by == SAMPLE_OFFICE for clause in self.clauses.values())

    def decide(self, request: Request) -> Decision:
        """Return the order's answer to a request; total: what cannot be evaluated is denied (law 1)."""
        purpose = request.context.purpose
        if purpose not in self.purposes and purpose != UNKNOWN_PURPOSE:
            return self._failure(("the purpose is no word of the order",))
        applied = self.evaluator.apply(request)
        return self._failure(applied.errors) if applied.errors else self._answer(applied)

    def scope_book(self, *, max_shapes: int = MAX_SHAPES) -> ScopeBook:
        """Return every scope of the database door.

        Raises:
            UnsupportedPolicyError: A policy cannot be compiled exactly, or there are too many shapes.
        """
        return compile_scopes(self.model, max_shapes=max_shapes)

    def _answer(self, applied: Applied) -> Decision:
        verdict = apply_outcome_rule(applied.policies, clause_order=tuple(self.clauses))
        return Decision(
            outcome=verdict.outcome,
            posture=verdict.posture,
            addressee=verdict.addressee,
            obligations=verdict.obligations,
            clauses=verdict.clauses,
            policies=tuple(policy.id for policy in verdict.deciding),
            suspended=verdict.suspended,
            sentence=self._sentence(verdict),
            public_sentence=getattr(self.sentences, verdict.outcome.value),
            remedy=next((policy.remedy for policy in verdict.deciding if policy.remedy), None),
        )

    def _sentence(self, verdict: Verdict) -> str:
        # The first deciding policy of the text speaks; the others are cited.
        return next((policy.says for policy in verdict.deciding if policy.says), self.sentences.nothing)

    def _failure(self, errors: tuple[str, ...]) -> Decision:
        return Decision(
            outcome=Outcome.DENY,
            posture=Posture.DECLINE,
            addressee=Addressee.LAW,
            obligations=(),
            clauses=(),
            policies=(),
            suspended=(),
            sentence=self.sentences.failure,
            public_sentence=self.sentences.failure,
            remedy=None,
            errors=errors,
        )
