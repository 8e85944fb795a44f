"""The people of the sample city. None of them exists; their passwords are printed for everybody to paste."""

from dataclasses import dataclass
from datetime import date

from doorward.grants.people import Agreement, Person

DATABASE = "clear"
CASE = "JH123456"
CIVIL = "civil-immigration-enforcement"


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """One sample login, what it states at the door, and what the panel says of it."""

    login: str
    password: str
    role: str
    agency: str
    unit: str
    says: str
    purpose: str
    case_no: str
    for_agency: str

    def options(self) -> str:
        """Return the PGOPTIONS that state this person's claims."""
        stated = {"purpose": self.purpose, "case": self.case_no, "for": self.for_agency}
        return " ".join(f"-c doorward.{name}={value}" for name, value in stated.items() if value)


PEOPLE = (
    SamplePerson(
        "detective", "sample-detective", "detective", "CPD", "area-1",
        "a detective with an open case", "criminal-investigation", CASE, "CPD",
    ),
    SamplePerson(
        "clerk", "sample-clerk", "records-clerk", "CPD", "records",
        "a records clerk", "records-service", "", "CPD",
    ),
    SamplePerson(
        "fbi.agent", "sample-fbi", "outside-agent", "FBI", "",
        "an FBI agent, case number attested", "criminal-investigation", "FBI-2026-0042", "FBI",
    ),
    SamplePerson(
        "ero.officer", "sample-ero", "outside-agent", "ICE-ERO", "",
        "an ICE ERO officer", CIVIL, "", "ICE-ERO",
    ),
    SamplePerson(
        "detective", "sample-detective", "detective", "CPD", "area-1",
        "the detective, for ICE (side door)", "criminal-investigation", CASE, "ICE-ERO",
    ),
)  # fmt: skip
OTHERS = (
    SamplePerson(
        "atf.agent", "sample-atf", "outside-agent", "ATF", "",
        "an ATF agent without an agreement", "criminal-investigation", "ATF-2026-0007", "ATF",
    ),
    SamplePerson(
        "other.detective", "sample-other", "detective", "CPD", "area-2",
        "a detective of another area", "criminal-investigation", "JH300003", "CPD",
    ),
)  # fmt: skip
AGREEMENTS = (Agreement(agency="FBI", evidence="sample-agreement-1", until=date(2027, 12, 31)),)


def as_people(verifiers: dict[str, str]) -> list[Person]:
    """Return the directory's entries, one a login, given the SCRAM verifier of each login."""
    by_login = {person.login: person for person in (*PEOPLE, *OTHERS)}
    return [
        Person(
            login=person.login,
            verifier=verifiers[person.login],
            role=person.role,
            agency=person.agency,
            unit=person.unit,
        )
        for person in by_login.values()
    ]
