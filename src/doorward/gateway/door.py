"""The door itself: claims to facts, facts to a decision, a decision to a login role of one scope.

Blocking work, run by the server in its threads, once the register was asked: for everybody, in the same place, and
outside of these threads, so that nothing waits for a register but the one who asked. Recording is not here: the server
puts each answer into the spool before it acts on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.answer import Answer, GrantBinding, OnBehalf, Refusal, Sources
from doorward.gateway.asking import Asking
from doorward.gateway.export_answer import decide_export
from doorward.gateway.logins import Logins
from doorward.gateway.observing import Deciding, Observing, Seen, make_deciding
from doorward.gateway.presenting import Presenting
from doorward.gateway.proof import PASSWORD, Method, Proof
from doorward.gateway.verdict import (
    refuse_cut,
    refuse_empty_scope,
    refuse_failure,
    refuse_lapse,
    refuse_other_order,
    refuse_outsider,
    refuse_second_factor,
    refuse_staff,
    with_referral,
)
from doorward.grants.applications import Application
from doorward.grants.attested import MAX_TEXT, Admitted
from doorward.grants.attested_files import AttestedFiles
from doorward.grants.claims import ClaimRefusal, Claims, check_claims
from doorward.grants.cuts import Cut, Subject, find_cut
from doorward.grants.ends import Rests, earliest_end
from doorward.grants.facts import Standing, make_facts, standing_of
from doorward.grants.lapse import Lapsing
from doorward.grants.on_file import OnFile, find_agreement, find_declaration
from doorward.grants.people import Agreement, Directory, Person
from doorward.grants.record_files import Records
from doorward.grants.records import RecordKind
from doorward.grants.referral_files import Referrals
from doorward.grants.referrals import Answered, Ask, find_approval, is_denied, make_referral
from doorward.grants.registers import Question, Word
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
        register: The register of cases, asked once a connection.
        logins: The pool of login roles.
        lapsing: Which logins have lapsed, or None where none does.
        referrals: Where asks wait that the order referred, or None: they are refused and not kept.
        records: Facts that officials set, or None: the agreements file and the order's own word stand.
        attested: Where sessions on attested numbers are put on file before they are let in, or None.
        database: The collection that stands for the database behind this door.
    """

    def __init__(  # noqa: PLR0913  # what a door is made of, all by name
        self,
        *,
        pack: Pack,
        book: ScopeBook,
        directory: Directory,
        register: Asking,
        logins: Logins,
        database: str,
        lapsing: Lapsing | None = None,
        referrals: Referrals | None = None,
        records: Records | None = None,
        attested: AttestedFiles | None = None,
    ) -> None:
        self.pack = pack
        self.book = book
        self.directory = directory
        self.logins = logins
        self.register = register
        self.database = database
        self.lapsing = lapsing
        self._referrals = referrals
        self._records = records
        self._attested = attested
        tables = pack.model.tables.values() if pack.model is not None else ()
        self._needs_second_factor = frozenset(table.table for table in tables if table.is_cji)
        self.presenting: Presenting | None = None  # without it no application opens anything
        self._full = make_deciding(pack, book)
        self.observing: Observing | None = None  # every clause is enforced
        self.cuts: Sequence[Cut] | None = ()  # None: they cannot be read, so nobody is let in
        self.last_cuts: Sequence[Cut] = ()  # as they were last read; what the floor goes by
        self.is_in_force = True  # False: the database holds another order, so nobody is let in

    def present(
        self, application: Application, options: Mapping[str, str], *, now: datetime
    ) -> "Stated | Answer":
        """Return what an application states for one person, or a refusal; see `gateway.presenting`."""
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
        return Stated(found.person, found.on_behalf.options, found.proof, found.on_behalf)

    async def ask_register(self, stated: "Stated", *, now: datetime) -> Word:
        """Return the register's word on the stated case; asked for everybody, stated or not (law 6, item 2).

        Apart from `answer`, so that a session which rests on no register need not wait for one: a register that is dead
        never closes the safety floor (law 7).
        """
        checked = self._check(stated.options)
        if isinstance(checked, ClaimRefusal):
            return Word(None, now)
        return await self.register.ask(Question(checked.case_no, stated.person.login), now=now)

    def answer(self, stated: "Stated", word: Word, *, now: datetime, session: str) -> Answer:
        """Return the answer to a person's claims; a failure of ours is a refusal (law 1).

        Args:
            stated: Who asks, and what they state.
            word: The register's, from `ask_register`.
            now: Aware.
            session: The session's id in hexadecimal.
        """
        try:
            answer = self._answer(stated.person, stated.options, word, now=now)
            answer = self.rest_on(stated.proof, answer, stated.person, now=now)
            self._put_on_file(answer, stated.person, session, now)
        except DoorwardError:
            sources = Sources(silences=_silences(word))
            answer = Answer(self.pack.digest, refuse_failure(self.pack), sources=sources)
        return replace(answer, on_behalf=stated.on_behalf)

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
            return Answer(
                self.pack.digest, refusal, answer.decision, mode=answer.mode, sources=answer.sources
            )
        lapsing = self.lapsing if emergency is None else None  # the floor depends on no desk that attests
        rests = Rests(
            approval=answer.approval.until if answer.approval is not None else None,
            agreement=answer.agreement.until if answer.agreement is not None else None,
            attestation=lapsing.attested_until(person) if lapsing is not None else None,
            certificate=proof.until if proof.method is Method.CERTIFICATE else None,
            token=proof.until if proof.method is Method.TOKEN else None,
            emergency=emergency,
            observation=answer.observed_until,
        )
        return replace(answer, binding=replace(answer.binding, end=earliest_end(rests, now=now)))

    def _put_on_file(self, answer: Answer, person: Person, session: str, now: datetime) -> None:
        agreements = [fact for fact in answer.sources.on_file if fact.kind is RecordKind.AGREEMENT]
        if answer.scope is None or answer.binding is None or not agreements or self._attested is None:
            return
        evidence, case_no = agreements[0].evidence[:MAX_TEXT], answer.binding.case_no
        self._attested.note(Admitted(session, now, person.agency, person.login, case_no, evidence))

    def _check(self, options: Mapping[str, str]) -> Claims | ClaimRefusal:
        return check_claims(
            options, purposes=self.pack.purposes, agencies=self.pack.agencies, page=self.pack.page
        )

    def _answer(self, person: Person, options: Mapping[str, str], word: Word, *, now: datetime) -> Answer:
        checked = self._check(options)
        if not self.is_in_force:
            return Answer(self.pack.digest, refuse_other_order(self.pack))
        if isinstance(checked, ClaimRefusal):
            refusal = Refusal(checked.sentence, None, checked.hint, checked.reason)
            return Answer(self.pack.digest, refusal)
        agency = self.pack.agencies.get(person.agency)
        own_agency = agency is not None and agency.party == self.pack.own_party
        lapse = self.lapsing.enter(person, now.date()) if self.lapsing is not None else None
        if lapse is not None:
            return Answer(self.pack.digest, refuse_lapse(self.pack, lapse, own_agency=own_agency))
        on_file = self._look_on_file(person.agency, now)
        standing = standing_of(
            person,
            checked,
            register_says=word.says is True,
            agreement=on_file.agreement,
            city_agency=own_agency,
        )
        declaration = on_file.declaration is not None
        facts = make_facts(person, checked, standing=standing, declaration=declaration)
        sources = _sources(Question(checked.case_no, person.login), word, standing, on_file)
        agreement = on_file.agreement if standing is Standing.ATTESTED else None
        answer = self._decide(person, checked, facts, now=now, own_agency=own_agency, agreement=agreement)
        return replace(answer, sources=sources)

    def _look_on_file(self, agency: str, now: datetime) -> "_OnFile":
        found = self.pack.agencies.get(agency)
        order_says = found is not None and found.attributes.get("declaration") is True
        try:
            records = self._records.all() if self._records is not None else ()
        except ConfigError:
            # What they would say is unknown, and an older word may be what they took back.
            return _OnFile(None, None, "the records cannot be read")
        return _OnFile(
            find_agreement(agency, self.directory, records, now=now),
            find_declaration(agency, records, order_says=order_says, now=now),
        )

    def stands_on_file(self, sources: Sources, now: datetime) -> bool:
        """Return True where everything on file that set a fact of a session is still on file."""
        for fact in sources.on_file:
            found = self._look_on_file(fact.agency, now)
            stands = found.agreement if fact.kind is RecordKind.AGREEMENT else found.declaration
            if stands is None:
                return False
        return True

    def _decide(
        self,
        person: Person,
        checked: Claims,
        facts: Mapping[str, Fact],
        *,
        now: datetime,
        own_agency: bool,
        agreement: Agreement | None,
    ) -> Answer:
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
        asked = _Asked(
            person, checked, known, request, decision, now, own_agency, is_protected, agreement, self._full
        )
        seen = self.observing.see(request, decision, now=now) if self.observing is not None else None
        return self._decided(asked) if seen is None else self._under_observation(asked, seen)

    def _under_observation(self, asked: "_Asked", seen: Seen) -> Answer:
        """Return what is answered while clauses are observed: by the order in full, unless it would differ."""
        if seen.order is None:
            return replace(self._decided(asked), mode=seen.mode)
        answer = self._decided(replace(asked, order=seen.order, decision=seen.decision))
        says = seen.says if asked.own_agency else seen.public
        if answer.binding is None:
            return replace(answer, mode=seen.mode)
        return replace(answer, mode=seen.mode, observed_until=seen.until, notices=(says,))

    def _decided(self, asked: "_Asked") -> Answer:
        decision = asked.decision
        if decision.outcome is Outcome.REFER:
            return self._referred(asked)
        if decision.outcome is not Outcome.PERMIT:
            return Answer(self.pack.digest, self._refuse(asked), decision)
        case_no = str(asked.request.facts[f"{GRANT}case_no"])
        scope = asked.order.book.find(asked.request)
        return self._open(asked, decision, scope, case_no=case_no)

    def _refuse(self, asked: "_Asked") -> Refusal:
        if asked.own_agency:
            return refuse_staff(asked.order.pack.explain(asked.request), self.pack)
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
        change = asked.order.answered.change(decision.policies) if decision.policies else None
        changed = self._change(asked, change) if change is not None else asked.request
        office = str(decision.addressee or Addressee.LAW)
        answers = self._referrals.answers()
        approval = find_approval(answers, ask, office=office, now=now)
        if approval is not None and change is not None:
            opened = asked.order.answered.open(change, changed)
            if opened is not None:
                # The official answered for the stated number: it is what this grant is bound to.
                return replace(self._open(asked, *opened, case_no=claims.case_no), approval=approval)
        referral = make_referral(
            ask, agency=asked.person.agency, office=office, says=decision.sentence,
            clauses=decision.clauses, sets=str(change) if change is not None else "", now=now,
            can_open=change is not None and asked.order.answered.permits(change, changed),
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
        export, no_export = decide_export(self.pack, asked)
        return Answer(
            self.pack.digest, None, decision, scope, binding,
            is_protected=asked.is_protected, agreement=asked.agreement,
            claims=asked.claims, export=export, no_export=no_export,
        )  # fmt: skip

    def approves_still(self, approval: Answered, now: datetime) -> bool:
        """Return True where an approval that a session rests on still stands."""
        if self._referrals is None:
            return False
        found = find_approval(self._referrals.answers(), approval.ask, office=approval.office, now=now)
        return found is not None


@dataclass(frozen=True, slots=True)
class Stated:
    """Who asks, what they state, and how they proved themselves.

    Args:
        on_behalf: For whom an application asks, or None where a person asks.
    """

    person: Person
    options: Mapping[str, str]
    proof: Proof = PASSWORD
    on_behalf: OnBehalf | None = None


@dataclass(frozen=True, slots=True)
class _OnFile:
    """What is on file about an agency now; ``silence`` where that cannot be read."""

    agreement: Agreement | None
    declaration: OnFile | None
    silence: str | None = None


def _silences(word: Word) -> tuple[str, ...]:
    return (f"the register did not answer: {word.silence}",) if word.silence is not None else ()


def _sources(question: Question, word: Word, standing: Standing, on_file: _OnFile) -> Sources:
    silences = (*_silences(word), *([on_file.silence] if on_file.silence is not None else []))
    facts = [on_file.declaration] if on_file.declaration is not None else []
    if standing is Standing.ATTESTED and (agreement := on_file.agreement) is not None:
        facts.insert(0, OnFile(RecordKind.AGREEMENT, agreement.agency, agreement.evidence))
    verified = standing is Standing.VERIFIED
    return Sources(question if verified else None, word.at if verified else None, tuple(facts), silences)


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
    order: Deciding


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
