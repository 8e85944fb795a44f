"""From claims to facts: the one place where a stated word becomes something that the order may rely on.

Each fact has one source, named in the pack's resolvers.toml: the login's directory entry, the register of
cases, the agreements on file, or the claim itself where the order reads a claim as a claim (purpose and
beneficiary). Pure: the caller asks the register and passes its answer.
"""

from collections.abc import Mapping
from enum import StrEnum

from doorward.grants.claims import Claims
from doorward.grants.people import Agreement, Person
from doorward.policy.request import Fact

CHANNEL = "database"


class Standing(StrEnum):
    """How far the register's word on a case number goes."""

    VERIFIED = "verified"
    ATTESTED = "attested"
    UNVERIFIED = "unverified"


def standing_of(
    person: Person, claims: Claims, *, register_says: bool, agreement: Agreement | None, city_agency: bool
) -> Standing:
    """Return how far the stated case number may be relied on.

    Args:
        person: Who logged in.
        claims: What was stated.
        register_says: The register's answer; False where it did not answer. It is asked for everybody, also where no
            number was stated: a "yes" to no number is no fact.
        agreement: The agency's attestation agreement if one is on file and in force.
        city_agency: Whether the login's agency is the City's own; its numbers stand in the register or not at all.
    """
    if register_says and city_agency and claims.case_no:
        return Standing.VERIFIED
    if not city_agency and claims.case_no and agreement is not None and agreement.agency == person.agency:
        return Standing.ATTESTED
    return Standing.UNVERIFIED


def make_facts(
    person: Person, claims: Claims, *, standing: Standing, declaration: bool, emergency: bool = False
) -> dict[str, Fact]:
    """Return the facts of the request that the door puts to the order: may this person query this database, as stated.

    No paper is presented at the database door in version 1, so each class of paper is absent: unknown, as every fact
    that is not given here. What follows from an agency is computed by the order; no client states it.

    Args:
        person: Who logged in; the one who asks is the one who logs in.
        claims: What was stated.
        standing: Of the stated case number.
        declaration: Whether the agency's written declaration is on file, by the order's own word.
        emergency: Whether the recorded word of the City person who logs in stands for it; never an outsider's.
    """
    known = standing is not Standing.UNVERIFIED
    facts: Mapping[str, Fact] = {
        "principal.role": person.role,
        "principal.agency": person.agency,
        "context.requester.agency": person.agency,
        "context.requester.identified": "verified",
        "context.initiative": "own-motion",
        "context.for_agency": claims.for_agency,
        "context.purpose": claims.purpose,
        "context.task_force.member": person.task_force,
        "context.task_force.civil_excluded": person.task_force_civil_excluded,
        "context.task_force.attested": person.task_force_attested,
        "context.register.kind": "criminal" if known else "unknown",
        "context.register.standing": str(standing),
        "context.declaration": declaration,
        "context.emergency": emergency,
        "context.channel": CHANNEL,
        "context.grant.case_no": claims.case_no if known else "",
        "context.grant.unit": person.unit,
        "context.grant.place": "",
    }
    return dict(facts)
