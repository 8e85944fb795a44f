"""The safety floor at the database: what the word of a City person present opens, with nobody asked (law 7).

Whoever is of the City and states an emergency sets the fact `context.emergency` for one session of their own: the word
that they recorded at connect is the act (law 6). What it opens is what the order's policies give with that fact, and
nothing else; who is entitled, for which purpose and on whose behalf is the order's to say, and what it prohibits stays
prohibited (theorem `break-glass-opens-nothing-prohibited`).

Nothing here waits: no register, no desk, no network beside the database itself. It runs in threads of its own, so that
a register that hangs takes none of them. What a disk refuses to keep beside the record is held and written later. How
a login proves itself is not eased: a stolen password is no emergency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.errors import DoorwardError
from doorward.gateway.answer import Answer, GrantBinding
from doorward.gateway.door import Door
from doorward.gateway.proof import PASSWORD, Proof
from doorward.gateway.verdict import refuse_cut, refuse_lapse, refuse_too_many_emergencies
from doorward.grants.claims import ClaimRefusal, Claims, check_claims
from doorward.grants.cuts import Subject, find_cut
from doorward.grants.ends import Rests, earliest_end
from doorward.grants.facts import Standing, make_facts
from doorward.grants.people import Person
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import SUPERVISOR, EmergencyRules, count_recent, make_owed
from doorward.policy.compile import COLLECTION
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Resource
from doorward.policy.scopes import Scope

EMERGENCY: Final = "context.emergency"


@dataclass(frozen=True, slots=True)
class _Opened:
    decision: Decision
    scope: Scope


class Floor:
    """What a stated emergency opens at one database.

    Args:
        door: Whose order, people and cuts these are. Cuts count as they were last read: a file of cuts that cannot be
            read closes the door and not the floor.
        rules: How long and how often.
        reviews: Where what is owed is kept.
    """

    def __init__(self, door: Door, rules: EmergencyRules, reviews: Reviews) -> None:
        self._door = door
        self._rules = rules
        self._reviews = reviews

    def answer(
        self,
        person: Person,
        options: Mapping[str, str],
        *,
        now: datetime,
        session: str,
        proof: Proof = PASSWORD,
    ) -> Answer | None:
        """Return the answer to a stated emergency, or None where the order opens nothing more with it than without.

        None is also for whoever is not of the City, and for every failure: then the door answers as if no emergency
        were stated, and the claim is in the record all the same.

        Args:
            person: Who has logged in.
            options: What they stated.
            now: Aware.
            session: The session's id in hexadecimal, for its review.
            proof: How the login proved itself.
        """
        pack = self._door.pack
        claims = check_claims(options, purposes=pack.purposes, agencies=pack.agencies, page=pack.page)
        if isinstance(claims, ClaimRefusal) or not claims.emergency:
            return None
        try:
            opened = self._decide(person, claims, now)
        except DoorwardError:
            return None
        if opened is None:
            return None
        return self._refuse(person, claims, opened, now) or self._open(
            person, claims, opened, now, session, proof
        )

    def _decide(self, person: Person, claims: Claims, now: datetime) -> _Opened | None:
        """Return what the order opens on this word and would not open without it."""
        pack = self._door.pack
        agency = pack.agencies.get(person.agency)
        if agency is None or agency.party != pack.own_party or EMERGENCY not in pack.requests.facts:
            return None
        declared = bool(agency.attributes.get("declaration", False))
        facts = make_facts(person, claims, standing=Standing.UNVERIFIED, declaration=declared, emergency=True)
        known = {path: value for path, value in facts.items() if path in pack.requests.facts}
        resource = Resource(COLLECTION, self._door.database)
        request = pack.request(known, resource=resource, now=now, login=person.login)
        decision, scope = pack.decide(request), self._door.book.find(request)
        if decision.outcome is not Outcome.PERMIT or scope is None:
            return None
        without = pack.request({**known, EMERGENCY: False}, resource=resource, now=now, login=person.login)
        if pack.decide(without).outcome is Outcome.PERMIT:
            return None  # ordinary work, which no word makes an emergency of
        return _Opened(decision, scope)

    def _refuse(self, person: Person, claims: Claims, opened: _Opened, now: datetime) -> Answer | None:
        """Return the refusal of one login: cut by name, unused, or too often; nobody else's floor is touched."""
        pack, lapsing = self._door.pack, self._door.lapsing
        subject = Subject(
            "", person.login, person.agency, claims.for_agency, claims.purpose, is_protected=True
        )
        if find_cut(self._door.last_cuts, subject, now=now) is not None:
            return Answer(pack.digest, refuse_cut(pack))
        lapse = lapsing.enter_in_emergency(person, now.date()) if lapsing is not None else None
        if lapse is not None:
            return Answer(pack.digest, refuse_lapse(pack, lapse, own_agency=True))
        if self._count(person, now) >= self._rules.sessions_a_day:
            refusal = refuse_too_many_emergencies(self._rules.sessions_a_day)
            return Answer(pack.digest, refusal, opened.decision)
        return None

    def _open(  # noqa: PLR0917  # what one session is made of
        self, person: Person, claims: Claims, opened: _Opened, now: datetime, session: str, proof: Proof
    ) -> Answer:
        ends = now + timedelta(hours=self._rules.hours)
        binding = GrantBinding(opened.scope.id, "", person.unit, "", earliest_end(Rests(), now=now))
        answer = Answer(
            self._door.pack.digest, None, opened.decision, opened.scope, binding,
            is_protected=True, emergency=claims.emergency,
        )  # fmt: skip
        answer = self._door.rest_on(proof, answer, person, now=now, emergency=ends)
        if answer.refusal is None:
            self._reviews.owe(
                make_owed(
                    session, login=person.login, agency=person.agency, purpose=claims.purpose,
                    for_agency=claims.for_agency, stated=claims.emergency,
                    office=str(opened.decision.addressee or SUPERVISOR), now=now,
                )
            )  # fmt: skip
        return answer

    def _count(self, person: Person, now: datetime) -> int:
        try:
            return count_recent(self._reviews.known(), person.login, now=now)
        except DoorwardError:
            return 0  # a file that cannot be read closes no floor
