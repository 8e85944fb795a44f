"""From claims to facts: the one place where a stated word becomes something that the order may rely on.

Each fact has one source, named in the pack's resolvers.toml: the login's directory entry, the register of
cases, the agreements on file, or the claim itself where the order reads a claim as a claim (purpose and
beneficiary). Pure: the caller asks the register and passes its answer.
"""

from datetime import datetime

from doorward.grants.claims import Claims
from doorward.grants.people import Agreement, Person
from doorward.policy.facts import (
    CollectionRef,
    Context,
    GrantParameters,
    Papers,
    Principal,
    Register,
    Request,
    Requester,
    Standing,
    TaskForce,
)

CHANNEL = "database"


def standing_of(
    person: Person, claims: Claims, *, register_says: bool, agreement: Agreement | None, city_agency: bool
) -> Standing:
    """Return how far the stated case number may be relied on.

    Args:
        person: Who logged in.
        claims: What was stated.
        register_says: The register's answer; False where it did not answer.
        agreement: The agency's attestation agreement if one is on file and in force.
        city_agency: Whether the login's agency is the City's own; its numbers stand in the register or not at all.
    """
    if register_says and city_agency:
        return Standing.VERIFIED
    if not city_agency and claims.case_no and agreement is not None and agreement.agency == person.agency:
        return Standing.ATTESTED
    return Standing.UNVERIFIED


def make_request(
    person: Person,
    claims: Claims,
    *,
    standing: Standing,
    party: str,
    component: str,
    declaration: bool,
    database: str,
    now: datetime,
) -> Request:
    """Return the request that the door puts to the order: may this person query this database, as stated.

    No paper is presented at the database door in version 1, so each class of paper is absent. Party, component and
    declaration are the order's own word on the login's agency, from its entity file; no client states them.
    """
    return Request(
        principal=Principal(id=person.login, role=person.role, agency=person.agency),
        action="query",
        resource=CollectionRef(database),
        context=Context(
            requester=Requester(
                party=party, agency=person.agency, component=component, identified="verified"
            ),
            initiative="own-motion",
            for_agency=claims.for_agency,
            purpose=claims.purpose,
            task_force=TaskForce(
                member=person.task_force,
                civil_excluded=person.task_force_civil_excluded,
                attested=person.task_force_attested,
            ),
            papers=Papers(),
            register=Register(
                kind="criminal" if standing is not Standing.UNVERIFIED else "unknown", standing=standing
            ),
            declaration=declaration,
            emergency=False,
            exigency_claimed=False,
            now=now,
            channel=CHANNEL,
            grant=GrantParameters(
                case_no=claims.case_no if standing is not Standing.UNVERIFIED else "",
                unit=person.unit,
                place="",
            ),
        ),
    )
