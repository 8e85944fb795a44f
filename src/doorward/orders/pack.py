"""A loaded order: its clauses, its words, its agencies, and the one decision function.

`doorward.orders.load` reads one from disk, `doorward.orders.assemble` checks it; a Pack that exists has no fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from doorward.cedar.types import Type
from doorward.orders.theorems import Theorems
from doorward.policy.compile import MAX_SHAPES, RECORD, TABLE_OF_ROW, DoorModel, compile_scopes
from doorward.policy.decider import Applied, Decider
from doorward.policy.decision import Addressee, Decision, Outcome, Posture
from doorward.policy.evaluate import Evaluator
from doorward.policy.explain import Explainer, Explanation
from doorward.policy.outcome import Verdict, apply_outcome_rule
from doorward.policy.parse import Policy
from doorward.policy.request import Fact, Request, RequestModel, Resource
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
class Question:
    """An open question of the order: where reasonable lawyers differ.

    Args:
        clauses: The clauses that it is about; a question without any changes no outcome.
    """

    number: str
    says: str
    clauses: tuple[str, ...]


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
        party: On which side it stands, a word of the pack.
        attributes: All of its attributes, these two included.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    party: str
    attributes: Mapping[str, bool | int | str]


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


@dataclass(frozen=True, eq=False)  # what is made of a pack is kept by it
class Pack:
    """An order.

    Args:
        digest: SHA-256 over all its files but its signatures, hexadecimal.
        page: Where the order and its words are described; printed to people.
        own_party: The party whose people read clauses and remedies; all others read a public clause id.
        questions: Open questions by number.
        collections: Every collection id.
        tables: By collection, as the order sees them.
        theorems: What `doorward order prove` has to show.
        requests: What the order can be asked.
        model: The database door, or None where the order stands at none.
        evaluator: Cedar's own engine over the same policies, the oracle.
        files: Text of every file by its path in the pack, for messages and pages.
    """

    name: str
    title: str
    about: str
    digest: str
    page: str
    own_party: str
    authorities: tuple[str, ...]
    effective: str
    clauses: Mapping[str, Clause]
    purposes: Mapping[str, Purpose]
    agencies: Mapping[str, Agency]
    roles: tuple[str, ...]
    collections: tuple[str, ...]
    classes: Mapping[str, str]
    tables: Mapping[str, Table]
    questions: Mapping[str, Question]
    contacts: Contacts
    sentences: Sentences
    policies: tuple[Policy, ...]
    theorems: Theorems
    requests: RequestModel
    model: DoorModel | None
    evaluator: Evaluator
    files: Mapping[str, str]
    decider: Decider = field(init=False)
    explainer: Explainer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decider", Decider(self.policies, self.requests))
        object.__setattr__(self, "explainer", Explainer(self.decider, self.answer))

    @property
    def is_sample(self) -> bool:
        """True where a clause is adopted by the office `sample`, which no production accepts."""
        return any(clause.adopted_by == SAMPLE_OFFICE for clause in self.clauses.values())

    @property
    def row_types(self) -> dict[str, Type]:
        """Types of a row's attributes, but for the collection that its table is."""
        rows = self.requests.resources.get(RECORD)
        facts = (
            {}
            if rows is None
            else {path: spec.type for path, spec in rows.facts.items() if path != TABLE_OF_ROW}
        )
        return {path.removeprefix("resource."): kind for path, kind in facts.items()}

    @property
    def clause_order(self) -> tuple[str, ...]:
        """Clause ids in the order in which they are cited."""
        return tuple(self.clauses)

    def request(
        self,
        facts: Mapping[str, Fact],
        *,
        resource: Resource,
        now: datetime,
        action: str = "query",
        login: str = "somebody",
    ) -> Request:
        """Return the request with these facts; raises ConfigError as `RequestModel.build` does."""
        return self.requests.build(facts, resource=resource, action=action, now=now, login=login)

    def decide(self, request: Request) -> Decision:
        """Return the order's answer to a request; total: what cannot be evaluated is denied (law 1)."""
        return self.decider.decide(request, self.answer)

    def explain(self, request: Request) -> Explanation:
        """Return the answer with its reasons and with the remedies that would change it, for the order's own people."""
        return self.explainer.explain(request)

    def answer(self, applied: Applied) -> Decision:
        """Return the answer where these policies apply."""
        if applied.errors:
            return self._failure(applied.errors)
        verdict = apply_outcome_rule(applied.policies, clause_order=self.clause_order)
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
        )

    def scope_book(self, *, max_shapes: int = MAX_SHAPES) -> ScopeBook:
        """Return every scope of the database door; an empty book where the order stands at none.

        Raises:
            UnsupportedPolicyError: A policy cannot be compiled exactly, or there are too many shapes.
        """
        return ScopeBook({}) if self.model is None else compile_scopes(self.model, max_shapes=max_shapes)

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
            errors=errors,
        )
