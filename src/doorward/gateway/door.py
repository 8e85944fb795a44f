"""The door itself: claims to facts, facts to a decision, a decision to a login role of one scope.

Blocking work, run by the server in its threads. It asks the register once for everybody, in the same place.
Recording is not here: the server puts each answer into the spool before it acts on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from doorward.errors import DoorwardError
from doorward.gateway.answer import Answer, GrantBinding, Refusal
from doorward.gateway.answered import AnsweredOrders
from doorward.gateway.logins import Logins
from doorward.gateway.presenting import Presenting
from doorward.gateway.proof import PASSWORD, Method, Proof
from doorward.gateway.verdict import (
    refuse_cut,
    refuse_empty_scope,
    refuse_failure,
    refuse_lapse,
    refuse_outsider,
    refuse_second_factor,
    refuse_staff,
    with_referral,
)
from doorward.grants.applications import Application
from doorward.grants.claims import ClaimRefusal, Claims, check_claims
from doorward.grants.cuts import Cut, Subject, find_cut
from doorward.grants.ends import Rests, earliest_end
from doorward.grants.facts import Standing, make_facts, standing_of
from doorward.grants.lapse import Lapsing
from doorward.grants.people import Agreement, Directory, Person
from doorward.grants.referral_files import Referrals
from doorward.grants.referrals import Answered, Ask, find_approval, is_denied, make_referral
from doorward.grants.registers import CaseRegister
from doorward.orders.answered import Change
from doorward.orders.load import Pack
from doorward.policy.compile import COLLECTION
from doorward.policy.decision import Addressee, Decision, Outcome
from doorward.policy.request import GRANT, Fact, Request, Resource
from doorward.policy.scopes import Scope, ScopeBook


class Door:
    """One order in force at one database.

    Args:
        pack: The order.
        book: Its compiled scopes.
        directory: People and agreements.
        register: The register of cases, asked once a connection; called in the caller's thread.
        logins: The pool of login roles.
        lapsing: Which logins have lapsed, or None where none does.
        referrals: Where asks wait that the order referred, or None: they are refused and not kept.
        database: The collection that stands for the database behind this door.
    """

    def __init__(
        self,
        *,
        pack: Pack,
        book: ScopeBook,
        directory: Directory,
        register: CaseRegister,
        logins: Logins,
        database: str,
        lapsing: Lapsing | None = None,
        referrals: Referrals | None = None,
    ) -> None:
        self.pack = pack
        self.book = book
        self.directory = directory
        self.logins = logins
        self._register = register
        self.database = database
        self.lapsing = lapsing
        self._referrals = referrals
        self._answered = AnsweredOrders(pack, book)
        tables = pack.model.tables.values() if pack.model is not None else ()
        self._needs_second_factor = frozenset(table.table for table in tables if table.is_cji)
        self.presenting: Presenting | None = None  # without it no application opens anything
        self.cuts: Sequence[Cut] | None = ()  # None: they cannot be read, so nobody is let in
        self.last_cuts: Sequence[Cut] = ()  # as they were last read; what the floor goes by

    def answer(
        self, person: Person, options: Mapping[str, str], *, now: datetime, proof: Proof = PASSWORD
    ) -> Answer:
        """Return the answer to a person's claims; a failure of ours is a refusal (law 1)."""
        try:
            return self.rest_on(proof, self._answer(person, options, now=now), person, now=now)
        except DoorwardError:
            return Answer(self.pack.digest, refuse_failure(self.pack))

    def answer_application(
        self, application: Application, options: Mapping[str, str], *, now: datetime
    ) -> Answer:
        """Return the answer to what an application presents for one person; see `gateway.presenting`."""
        try:
            if self.presenting is None or self.cuts is None:
                return Answer(self.pack.digest, refuse_failure(self.pack))
            if find_cut(self.cuts, Subject("", application.login, "", "", ""), now=now) is not None:
                return Answer(self.pack.digest, refuse_cut(self.pack))
            found = self.presenting.read(application, options, self.directory, now=now)
        except DoorwardError:
            return Answer(self.pack.digest, refuse_failure(self.pack))
        if isinstance(found, Refusal):
            return Answer(self.pack.digest, found)
        on_behalf = found.on_behalf
        answer = self.answer(found.person, on_behalf.options, now=now, proof=found.proof)
        return replace(answer, on_behalf=on_behalf)

    def rest_on(
        self,
        proof: Proof,
        answer: Answer,
        person: Person,
        *,
        now: datetime,
        emergency: datetime | None = None,
    ) -> Answer:
        """Return an answer with what it rests on beside the order: how the login proved itself, and the first end.

        Args:
            proof: What the login showed.
            answer: Of the order.
            person: Who logged in.
            now: Aware.
            emergency: The end of what a stated emergency opens, or None.
        """
        if answer.scope is None or answer.binding is None:
            return answer
        tables = {table.table for table in answer.scope.tables}
        if not proof.has_second_factor and tables & self._needs_second_factor:
            agency = self.pack.agencies.get(person.agency)
            own_agency = agency is not None and agency.party == self.pack.own_party
            refusal = refuse_second_factor(self.pack, own_agency=own_agency)
            return Answer(self.pack.digest, refusal, answer.decision)
        lapsing = self.lapsing if emergency is None else None  # the floor depends on no desk that attests
        rests = Rests(
            approval=answer.approval.until if answer.approval is not None else None,
            agreement=answer.agreement.until if answer.agreement is not None else None,
            attestation=lapsing.attested_until(person) if lapsing is not None else None,
            certificate=proof.until if proof.method is Method.CERTIFICATE else None,
            token=proof.until if proof.method is Method.TOKEN else None,
            emergency=emergency,
        )
        return replace(answer, binding=replace(answer.binding, end=earliest_end(rests, now=now)))

    def _answer(self, person: Person, options: Mapping[str, str], *, now: datetime) -> Answer:
        checked = check_claims(
            options, purposes=self.pack.purposes, agencies=self.pack.agencies, page=self.pack.page
        )
        if isinstance(checked, ClaimRefusal):
            refusal = Refusal(checked.sentence, None, checked.hint, checked.reason)
            return Answer(self.pack.digest, refusal)
        agency = self.pack.agencies.get(person.agency)
        own_agency = agency is not None and agency.party == self.pack.own_party
        lapse = self.lapsing.enter(person, now.date()) if self.lapsing is not None else None
        if lapse is not None:
            return Answer(self.pack.digest, refuse_lapse(self.pack, lapse, own_agency=own_agency))
        register_says = self._ask_register(checked, person)
        agreement = self.directory.agreement(person.agency, today=now.date())
        standing = standing_of(
            person, checked, register_says=register_says, agreement=agreement, city_agency=own_agency
        )
        facts = make_facts(
            person,
            checked,
            standing=standing,
            declaration=bool(agency.attributes.get("declaration", False)) if agency else False,
        )
        if self.cuts is None:
            return Answer(self.pack.digest, refuse_failure(self.pack))
        is_protected = _is_protected(facts)
        subject = Subject("", person.login, person.agency, checked.for_agency, checked.purpose, is_protected)
        if find_cut(self.cuts, subject, now=now) is not None:
            return Answer(self.pack.digest, refuse_cut(self.pack))
        known = {path: value for path, value in facts.items() if path in self.pack.requests.facts}
        resource = Resource(COLLECTION, self.database)
        request = self.pack.request(known, resource=resource, now=now, login=person.login)
        decision = self.pack.decide(request)
        rests_on = agreement if standing is Standing.ATTESTED else None
        asked = _Asked(person, checked, known, request, decision, now, own_agency, is_protected, rests_on)
        if decision.outcome is Outcome.REFER:
            return self._referred(asked)
        if decision.outcome is not Outcome.PERMIT:
            return Answer(self.pack.digest, self._refuse(asked), decision)
        case_no = str(facts[f"{GRANT}case_no"])
        return self._open(asked, decision, self.book.find(request), case_no=case_no)

    def _refuse(self, asked: "_Asked") -> Refusal:
        if asked.own_agency:
            return refuse_staff(self.pack.explain(asked.request), self.pack)
        return refuse_outsider(asked.decision, self.pack)

    def _referred(self, asked: "_Asked") -> Answer:
        """Return what an official's approval opens, or the refusal with the ask that now waits."""
        decision, claims, now = asked.decision, asked.claims, asked.now
        if self._referrals is None:
            return Answer(self.pack.digest, self._refuse(asked), decision)
        ask = Ask(
            asked.person.login,
            claims.purpose,
            claims.case_no,
            claims.for_agency,
            decision.policies,
            self.pack.digest,
        )
        change = self._answered.change(decision.policies) if decision.policies else None
        changed = self._change(asked, change) if change is not None else asked.request
        office = str(decision.addressee or Addressee.LAW)
        answers = self._referrals.answers()
        approval = find_approval(answers, ask, office=office, now=now)
        if approval is not None and change is not None:
            opened = self._answered.open(change, changed)
            if opened is not None:
                # The official answered for the stated number: it is what this grant is bound to.
                return replace(self._open(asked, *opened, case_no=claims.case_no), approval=approval)
        referral = make_referral(
            ask, agency=asked.person.agency, office=office, says=decision.sentence,
            clauses=decision.clauses, sets=str(change) if change is not None else "", now=now,
            can_open=change is not None and self._answered.permits(change, changed),
        )  # fmt: skip
        kept = self._referrals.note(referral)
        denied = is_denied(answers, ask, office=office)
        return Answer(self.pack.digest, with_referral(self._refuse(asked), kept, is_denied=denied), decision)

    def _change(self, asked: "_Asked", change: Change) -> Request:
        resource = Resource(COLLECTION, self.database)
        known = {**asked.known, **change.facts}
        return self.pack.request(known, resource=resource, now=asked.now, login=asked.person.login)

    def _open(self, asked: "_Asked", decision: Decision, scope: Scope | None, *, case_no: str) -> Answer:
        if scope is None:
            return Answer(self.pack.digest, refuse_empty_scope(self.pack), decision)
        facts = asked.request.facts
        unit, place = (str(facts.get(f"{GRANT}{name}", "")) for name in ("unit", "place"))
        binding = GrantBinding(scope.id, case_no, unit, place, earliest_end(Rests(), now=asked.now))
        return Answer(
            self.pack.digest, None, decision, scope, binding,
            is_protected=asked.is_protected, agreement=asked.agreement,
        )  # fmt: skip

    def approves_still(self, approval: Answered, now: datetime) -> bool:
        """Return True where an approval that a session rests on still stands."""
        if self._referrals is None:
            return False
        found = find_approval(self._referrals.answers(), approval.ask, office=approval.office, now=now)
        return found is not None

    def _ask_register(self, claims: Claims, person: Person) -> bool:
        # Asked for everybody, stated or not, so that no timing tells who was looked up (law 6, item 2).
        return self._register.is_open_and_assigned(case_no=claims.case_no, login=person.login)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One ask at the door, with what the order said of it."""

    person: Person
    claims: Claims
    known: Mapping[str, Fact]
    request: Request
    decision: Decision
    now: datetime
    own_agency: bool
    is_protected: bool
    agreement: Agreement | None


def _is_protected(facts: Mapping[str, Fact]) -> bool:
    # What a wide cut leaves alone: an emergency, and a court's paper that is verified, current and in scope.
    court = ("court_criminal", "court_civil", "court_subpoena", "court_order")
    papers = (
        (facts.get(f"context.papers.{kind}.{word}") for word in ("verified", "current", "scope"))
        for kind in court
    )
    return facts.get("context.emergency") is True or any(
        list(paper) == [True, True, "in"] for paper in papers
    )
